import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Action } from '../../../src/guard/decide/types.js';
import { DeedBook } from '../../../src/guard/deeds.js';
import { takeGuardLock } from '../../../src/guard/lock.js';
import { readDeeds, readGuardDeeds } from '../../../src/state/guard-deeds.js';
import { tree } from '../cgroup/tree.js';
import { MiB, machine, process as sampled } from './world.js';

const uid = process.geteuid?.() ?? 0;
const guard = { pid: 900, startTicks: 1900, uid };
const clock = { atMs: () => 5, time: () => 7 };
const kill: Action = {
  ...{ do: 'end', signal: 'SIGKILL', memory: 9, why: 'short' },
  process: { pid: 2000, startTicks: 3000, comm: 'hog' },
};
const sample = machine(0, 3, [sampled(2000, 'hog', 9 * MiB, { cgroup: '/a/run.scope' })]);

describe('the deeds of a guard', () => {
  it('are known before they are done', () => {
    const root = tree({});
    const book = new DeedBook(root, guard, clock);
    book.intend([kill, { do: 'warn', why: '' }], sample);
    expect(readDeeds(root, uid)).toMatchObject({
      done: {},
      deeds: [{ kind: 'kill', atMs: 5, time: 7, cgroup: '/a/run.scope', available: 3, memory: 9 }],
    });
    book.settle(kill, 'done');
    book.flush();
    expect(readDeeds(root, uid)).toMatchObject({ done: { kill: 1 }, deeds: [{ kind: 'kill' }] });
  });

  it('are none where nothing came of them', () => {
    const root = tree({});
    const book = new DeedBook(root, guard, clock);
    book.intend([kill], sample);
    book.settle(kill, { failed: 'you may not' });
    book.intend([kill], sample);
    book.settle(kill, 'gone');
    book.flush();
    expect(readDeeds(root, uid)).toMatchObject({ done: {}, failed: { kill: 1 }, deeds: [] });
  });

  it('go on where the guard before stopped, and stay few', () => {
    const root = tree({});
    for (let round = 1; round <= 2; round += 1) {
      const book = new DeedBook(root, { ...guard, pid: round }, clock);
      for (let count = 0; count < 100; count += 1) book.settle({ do: 'warn', why: '' }, 'done');
      book.flush();
    }
    const kept = readDeeds(root, uid);
    expect(kept).toMatchObject({ guard: { pid: 2 }, done: { warn: 200 } });
    expect(kept?.deeds).toHaveLength(60);
  });

  it('are believed only where nobody else can have written them', () => {
    const root = tree({});
    const book = new DeedBook(root, guard, clock);
    book.flush();
    expect(readDeeds(root, uid)).toBeDefined();
    expect(readDeeds(root, uid + 1)).toBeUndefined();
    chmodSync(`${root}/deeds.json`, 0o666);
    expect(readDeeds(root, uid)).toBeUndefined();
    chmodSync(`${root}/deeds.json`, 0o644);
    const linked = tree({});
    symlinkSync(`${root}/deeds.json`, `${linked}/deeds.json`);
    expect(readDeeds(linked, uid)).toBeUndefined();
    for (const text of ['', '[]', '{"version":1,"tells":true,"guard":{},"done":{}}', 'x']) {
      writeFileSync(`${root}/deeds.json`, text);
      expect(readDeeds(root, uid)).toBeUndefined();
    }
    expect(readDeeds('/nowhere', uid)).toBeUndefined();
  });

  it('are the machine’s and the user’s', () => {
    const root = tree({});
    mkdirSync(`${root}/system`);
    mkdirSync(`${root}/run/rlimit/guard`, { recursive: true });
    for (const directory of [`${root}/system`, `${root}/run/rlimit/guard`]) {
      new DeedBook(directory, guard, clock).flush();
    }
    const options = { system: `${root}/system`, root: uid };
    const env = { XDG_RUNTIME_DIR: `${root}/run` };
    const read = (more: object) => readGuardDeeds(env, { ...options, ...more }).map(({ of }) => of);
    expect(read({ uid })).toEqual(['machine']);
    expect(read({ uid, root: uid + 1 })).toEqual(['user']);
  });
});

describe('the directory of a user’s guard', () => {
  it('goes with the guard, unless something is in it that somebody may ask for', () => {
    const root = tree({});
    const directory = `${root}/rlimit/guard`;
    const lock = takeGuardLock(directory, 1000);
    expect(takeGuardLock(directory, 1000)).not.toHaveProperty('release');
    if ('release' in lock) lock.release();
    expect(existsSync(directory)).toBe(false);
    const again = takeGuardLock(directory, 1000);
    writeFileSync(`${directory}/deeds.json`, '');
    if ('release' in again) again.release();
    expect(readdirSync(directory)).toEqual(['deeds.json']);
  });
});
