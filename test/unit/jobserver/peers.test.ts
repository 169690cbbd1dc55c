import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readStart } from '../../../src/cgroup/index.js';
import { clearDeadPeers, Peers } from '../../../src/jobserver/peers.js';

function place() {
  const directory = mkdtempSync(join(tmpdir(), 'rlimit-peers-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const runner = { pid: process.pid, startTicks: readStart(process.pid)?.startTicks ?? 0 };
const dead = { pid: process.pid, startTicks: 1 };
const state = { runner, cap: 7, wants: 5, out: 3, expected: 100, used: 300 };

function peers(directory: string, unit: string) {
  mkdirSync(join(directory, `${unit}.jobs`), { recursive: true });
  let now = 0;
  const own = new Peers({ directory, unit, now: () => now });
  return { own, pass: (ms: number) => void (now += ms) };
}

describe('runs with a jobserver', () => {
  it('know of each other', () => {
    const directory = place();
    const [a, b] = [peers(directory, 'a.scope'), peers(directory, 'b.scope')];
    a.own.tell(state);
    expect(a.own.others()).toEqual([]);
    expect(b.own.others()).toEqual([{ unit: 'a.scope', ...state }]);
  });

  it('tell and ask once a second at most', () => {
    const directory = place();
    const [a, b] = [peers(directory, 'a.scope'), peers(directory, 'b.scope')];
    a.own.tell(state);
    expect(b.own.others()).toHaveLength(1);
    a.own.tell({ ...state, out: 9 });
    a.pass(1000);
    expect(b.own.others()[0]?.out).toBe(3);
    b.pass(1000);
    expect(b.own.others()[0]?.out).toBe(3);
    a.own.tell({ ...state, out: 9 });
    b.pass(1000);
    expect(b.own.others()[0]?.out).toBe(9);
  });

  it('count no more when their rlimit is gone, nor with a file that is none', () => {
    const directory = place();
    peers(directory, 'gone.scope').own.tell({ ...state, runner: dead });
    for (const [name, text] of [
      ['torn', '{"unit":'],
      ['odd', '{"unit":"odd.scope","runner":{"pid":"x"}}'],
      ['list', '[]'],
    ]) {
      mkdirSync(join(directory, `${name}.scope.jobs`));
      writeFileSync(join(directory, `${name}.scope.jobs/state.json`), text ?? '');
    }
    expect(peers(directory, 'a.scope').own.others()).toEqual([]);
    expect(new Peers({ directory: join(directory, 'nowhere'), unit: 'a' }).others()).toEqual([]);
  });

  it('leave nothing behind for ever', () => {
    const directory = place();
    peers(directory, 'gone.scope').own.tell({ ...state, runner: dead });
    peers(directory, 'lives-on.scope').own.tell({ ...state, runner: dead });
    writeFileSync(join(directory, 'lives-on.scope.json'), '{}');
    peers(directory, 'a.scope').own.tell(state);
    clearDeadPeers(directory);
    expect(readdirSync(directory).sort()).toEqual([
      'a.scope.jobs',
      'lives-on.scope.jobs',
      'lives-on.scope.json',
    ]);
    clearDeadPeers(join(directory, 'nowhere'));
    expect(existsSync(directory)).toBe(true);
  });
});
