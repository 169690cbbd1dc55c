import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Family, parseMember } from '../../../src/cgroup/index.js';
import { tree } from './tree.js';

/** /proc/PID/stat with what counts. */
function stat(pid: number, { ppid = 1, start = 1000, state = 'S', comm = 'x' } = {}): string {
  const fields = Array.from({ length: 49 }, () => 0);
  fields[4 - 4] = ppid;
  fields[14 - 4] = 3;
  fields[15 - 4] = 4;
  fields[16 - 4] = 5;
  fields[17 - 4] = 6;
  fields[20 - 4] = 2;
  fields[22 - 4] = start;
  fields[24 - 4] = 77;
  return `${pid} (${comm}) ${state} ${fields.join(' ')}\n`;
}
const environ = (unit: string) => `PATH=/bin\0RLIMIT_UNIT=${unit}\0X=1\0`;
const pids = (family: Family) =>
  family
    .look()
    .map(({ pid }) => pid)
    .sort((a, b) => a - b);

describe('Family', () => {
  it('has the command and its descendants, and nobody else', () => {
    const proc = tree({
      '10/stat': stat(10),
      '12/stat': stat(12, { ppid: 10 }),
      // PIDs have come round: the child has a smaller one.
      '11/stat': stat(11, { ppid: 12 }),
      '13/stat': stat(13, { ppid: 1 }),
      '13/environ': environ('other.scope'),
      '9/stat': stat(9, { ppid: 10, start: 999 }),
      'self/stat': '',
    });
    // 9 is older than the command: it cannot be its child, whatever its parent’s PID says.
    expect(pids(new Family({ unit: 'u.scope', root: 10, proc }))).toEqual([10, 11, 12]);
  });

  it('finds a daemon by its environment, and that one’s children', () => {
    const proc = tree({
      '10/stat': stat(10),
      '20/stat': stat(20, { ppid: 1 }),
      '20/environ': environ('u.scope'),
      '21/stat': stat(21, { ppid: 20 }),
      '22/stat': stat(22, { ppid: 1 }),
      '22/environ': environ('u.scope2'),
      '23/stat': stat(23, { ppid: 1 }),
      '23/environ': 'NOT_RLIMIT_UNIT=u.scope\0',
      '24/stat': stat(24, { ppid: 1 }),
      '24/environ': 'RLIMIT_UNIT=u.scope\0',
    });
    expect(pids(new Family({ unit: 'u.scope', root: 10, proc }))).toEqual([10, 20, 21, 24]);
    expect(pids(new Family({ unit: ['a.scope', 'u.scope2'], proc }))).toEqual([22]);
  });

  it('keeps one that was seen, wherever it is reparented to, until it is gone', () => {
    const proc = tree({ '10/stat': stat(10), '11/stat': stat(11, { ppid: 10 }) });
    const family = new Family({ unit: 'u.scope', root: 10, proc });
    expect(pids(family)).toEqual([10, 11]);
    writeFileSync(`${proc}/11/stat`, stat(11, { ppid: 1 }));
    expect(pids(family)).toEqual([10, 11]);
    expect(family.takeGone()).toEqual([]);
    writeFileSync(`${proc}/11/stat`, '');
    expect(pids(family)).toEqual([10]);
    expect(family.takeGone()).toMatchObject([{ pid: 11, ppid: 1 }]);
    expect(family.takeGone()).toEqual([]);
  });

  it('does not take a process for the one that had its PID before', () => {
    const proc = tree({ '10/stat': stat(10), '11/stat': stat(11, { ppid: 10 }) });
    const family = new Family({ unit: 'u.scope', root: 10, proc });
    const [, child] = family.look();
    writeFileSync(`${proc}/11/stat`, stat(11, { ppid: 1, start: 2000 }));
    expect(child && family.isStill(child)).toBe(false);
    expect(pids(family)).toEqual([10]);
  });

  it('looks again at one that shows no environment yet', () => {
    const proc = tree({ '10/stat': stat(10), '20/stat': stat(20), '20/environ': '' });
    const family = new Family({ unit: 'u.scope', root: 10, proc });
    expect(pids(family)).toEqual([10]);
    writeFileSync(`${proc}/20/environ`, environ('u.scope'));
    expect(pids(family)).toEqual([10, 20]);
  });

  it('survives what disappears while it looks', () => {
    const proc = tree({ '10/stat': stat(10), '11/stat': stat(11, { ppid: 10 }), '12/x': '' });
    const family = new Family({ unit: 'u.scope', root: 10, proc });
    family.look();
    rmSync(`${proc}/11`, { recursive: true });
    expect(pids(family)).toContain(10);
    expect(new Family({ unit: 'u.scope', root: 99, proc }).look()).toEqual([]);
  });

  it('sees real processes: children, and a daemon without parents', async () => {
    const unit = `rlimit-family-${process.pid}.scope`;
    const script = '(setsid sleep 30 &); sleep 31 & wait';
    const child: ChildProcess = spawn('sh', ['-c', script], {
      env: { ...process.env, RLIMIT_UNIT: unit },
      stdio: 'ignore',
    });
    const family = new Family({ unit, root: child.pid ?? 0 });
    onTestFinished(() => {
      for (const member of family.look()) process.kill(member.pid, 'SIGKILL');
      family.close();
    });
    const names = () => family.look().map(({ comm }) => comm);
    await expect.poll(() => names().filter((name) => name === 'sleep').length).toBe(2);
    expect(names()).toContain('sh');
    const [member] = family.look();
    expect(member && family.isStill(member)).toBe(true);
  });
});

describe('parseMember', () => {
  it('reads the fields of proc(5)', () => {
    expect(parseMember(stat(7, { ppid: 3, comm: 'a ) (b', state: 'Z' }))).toEqual({
      pid: 7,
      comm: 'a ) (b',
      state: 'Z',
      ppid: 3,
      threads: 2,
      startTicks: 1000,
      residentPages: 77,
      ownTicks: 7,
      childTicks: 11,
    });
  });

  it.each(['', 'x', '1 (a) S', '1 )a( S 1'])('takes %j for nothing', (text) => {
    expect(parseMember(text)).toBeUndefined();
  });
});
