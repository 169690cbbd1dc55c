import { describe, expect, it } from 'vitest';
import { type Entry, readCensus, standsStill, userOf } from '../../../src/adopt/census.js';
import { ancestorsOf, Family, isShellJob } from '../../../src/adopt/family.js';
import { type FakeProcess, procFiles, tree } from '../cgroup/tree.js';

type Fake = Partial<FakeProcess>;

function census(processes: Record<number, Fake>) {
  const files = Object.entries(processes).map(([pid, fake]) =>
    procFiles(Number(pid), { cgroup: '/x.scope', ...fake }),
  );
  return readCensus(`${tree(Object.assign({ 'proc/uptime': '1 1\n' }, ...files))}/proc`);
}

const SELF = 900;
const family = (...roots: (Entry | undefined)[]) =>
  new Family(
    roots.filter((root) => root !== undefined),
    { self: SELF, admit: () => undefined },
  );
const pids = (entries: readonly Entry[]) => entries.map(({ pid }) => pid);

describe('readCensus', () => {
  it('reads what kinship is about, whatever the process is called', () => {
    const all = census({
      7: { comm: 'a (b) c', ppid: 3, pgrp: 5, session: 4, tty: 34_816, startTicks: 99 },
      8: { flags: 0x00208040 },
    });
    expect(all.get(7)).toEqual({
      ...{ pid: 7, comm: 'a (b) c', state: 'S', ppid: 3, pgrp: 5, session: 4 },
      ...{ tty: 34_816, startTicks: 99, kernel: false },
    });
    expect(all.get(8)?.kernel).toBe(true);
    expect([...all.keys()]).toEqual([7, 8]);
  });

  it('reads the real user, and whether every thread stands still', () => {
    const root = tree({
      ...procFiles(7, { cgroup: '/', uid: 1234, state: 'T' }),
      ...procFiles(8, { cgroup: '/', state: 'T' }),
      'proc/8/task/9/stat': '9 (x) R 1',
    });
    const proc = `${root}/proc`;
    expect(userOf(7, proc)).toBe(1234);
    expect(userOf(6, proc)).toBeUndefined();
    expect([6, 7, 8].map((pid) => standsStill(pid, proc))).toEqual([true, true, false]);
  });
});

describe('Family', () => {
  it('is the processes named and all their descendants, parents first', () => {
    const all = census({
      10: { ppid: 1 },
      30: { ppid: 20 },
      20: { ppid: 10 },
      40: { ppid: 1 },
      50: { ppid: 30, state: 'Z' },
    });
    expect(pids(family(all.get(10)).in(all))).toEqual([10, 20, 30]);
  });

  it('never holds rlimit itself, nor what rlimit started', () => {
    const all = census({ 10: {}, [SELF]: { ppid: 10 }, 901: { ppid: SELF }, 11: { ppid: 10 } });
    expect(pids(family(all.get(10)).in(all))).toEqual([10, 11]);
  });

  it('does not take another process of the same PID for a member', () => {
    const first = census({ 10: { startTicks: 5 }, 11: { ppid: 10 } });
    const members = family(first.get(10));
    expect(pids(members.in(first))).toEqual([10, 11]);
    const later = census({ 10: { startTicks: 6 }, 12: { ppid: 10 }, 11: { ppid: 1 } });
    // 11 is known; 10 and what it has started are strangers.
    expect(pids(members.in(later))).toEqual([11]);
  });

  it('keeps orphans that are in a group or a session which a member leads', () => {
    const shell = { session: 5, pgrp: 5, ppid: 4 };
    const all = census({
      1: { session: 1 },
      5: shell,
      // The job of a shell: leader, its pipeline sibling, an orphan of the job.
      10: { ppid: 5, pgrp: 10, session: 5 },
      11: { ppid: 5, pgrp: 10, session: 5 },
      12: { ppid: 1, pgrp: 10, session: 5 },
      13: { ppid: 12, pgrp: 10, session: 5 },
      // An orphan of somebody else in the session.
      14: { ppid: 1, pgrp: 77, session: 5 },
    });
    expect(pids(family(all.get(10)).in(all))).toEqual([10, 12, 13]);
    const leader = census({
      1: { session: 1 },
      20: { ppid: 5, pgrp: 20, session: 20 },
      21: { ppid: 1, pgrp: 33, session: 20 },
      22: { ppid: 20, pgrp: 22, session: 22 },
    });
    expect(pids(family(leader.get(20)).in(leader))).toEqual([20, 22, 21]);
  });

  it('leaves outside what is not admitted, with its descendants, and says so once', () => {
    const all = census({ 10: {}, 11: { ppid: 10, comm: 'sudo' }, 12: { ppid: 11 } });
    const root = all.get(10) as Entry;
    const members = new Family([root], {
      self: SELF,
      admit: ({ pid }) => (pid === 11 ? 'other-user' : undefined),
    });
    expect(pids(members.in(all))).toEqual([10]);
    expect(pids(members.in(all))).toEqual([10]);
    expect(members.outside).toEqual([{ pid: 11, comm: 'sudo', why: 'other-user' }]);
  });
});

describe('isShellJob', () => {
  it.each([
    ['the job', 10, true],
    ['what the job started', 11, false],
    ['one without a terminal', 12, false],
    ['one with a session of its own', 13, false],
    ['the shell', 5, false],
  ])('%s', (_, pid, job) => {
    const all = census({
      5: { ppid: 4, pgrp: 5, session: 5, tty: 1 },
      10: { ppid: 5, pgrp: 10, session: 5, tty: 1 },
      11: { ppid: 10, pgrp: 10, session: 5, tty: 1 },
      12: { ppid: 5, pgrp: 12, session: 5, tty: 0 },
      13: { ppid: 5, pgrp: 13, session: 13, tty: 1 },
    });
    expect(isShellJob(all.get(pid) as Entry, all)).toBe(job);
  });
});

it('ancestorsOf goes up to the first process', () => {
  const all = census({ 1: { ppid: 0 }, 5: { ppid: 1 }, 9: { ppid: 5 } });
  expect(ancestorsOf(9, all)).toEqual([5, 1]);
});
