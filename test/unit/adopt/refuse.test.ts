import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../src/adopt/census.js';
import { type Candidate, checkCandidate, type Surroundings } from '../../../src/adopt/refuse.js';
import { parseTarget } from '../../../src/adopt/target.js';
import { UsageError } from '../../../src/errors/index.js';

const entry = (pid: number, fields: Partial<Entry> = {}): Entry => ({
  pid,
  comm: 'make',
  state: 'S',
  ppid: 50,
  pgrp: pid,
  session: 40,
  tty: 1,
  startTicks: 7,
  kernel: false,
  ...fields,
});
/** login 40 → shell 50 → rlimit 60. */
const census = new Map(
  [
    entry(1, { ppid: 0, session: 1 }),
    entry(40, { ppid: 1, session: 40 }),
    entry(50, { ppid: 40 }),
    entry(60),
  ].map((one) => [one.pid, one]),
);
const surroundings: Surroundings = {
  census,
  self: 60,
  uid: 1000,
  unitOf: (cgroup) => /rlimit-.*\.scope/.exec(cgroup)?.[0],
  force: false,
};

function check(candidate: Partial<Candidate> & { entry?: Entry }, force = false) {
  const pid = candidate.entry?.pid ?? 100;
  return () =>
    checkCandidate(
      { target: { pid }, uid: 1000, cgroup: '/user.slice/session-1.scope', ...candidate },
      { ...surroundings, force },
    );
}

describe('checkCandidate', () => {
  it('takes an ordinary process', () => {
    expect(check({ entry: entry(100) })()).toMatchObject({ pid: 100 });
    expect(check({ entry: entry(100), target: { pid: 100, startTicks: 7 } })()).toBeDefined();
  });

  it.each<[string, Partial<Candidate> & { entry?: Entry }, RegExp]>([
    ['one that is not there', {}, /there is no process 100/],
    ['a thread', { threadOf: 99 }, /thread of process 99/],
    ['a zombie', { entry: entry(100, { state: 'Z' }) }, /has ended already/],
    ['PID 1', { entry: entry(1) }, /first process/],
    ['a kernel thread', { entry: entry(100, { kernel: true }), uid: 0 }, /thread of the kernel/],
    ['a service manager', { entry: entry(100), cgroup: '/u/user@1.service/init.scope' }, /manager/],
    ['a bus', { entry: entry(100, { comm: 'dbus-daemon' }) }, /message bus/],
    ['another user’s', { entry: entry(100), uid: 0 }, /belongs to user 0, and you are user 1000/],
    ['rlimit itself', { entry: entry(60) }, /rlimit itself/],
    [
      'another of the same PID',
      { entry: entry(100), target: { pid: 100, startTicks: 8 } },
      /another process by now: "make"/,
    ],
  ])('refuses %s, forced or not', (_, candidate, message) => {
    for (const force of [false, true]) {
      expect(check(candidate, force)).toThrow(UsageError);
      expect(check(candidate, force)).toThrow(message);
    }
  });

  it.each<[string, Partial<Candidate> & { entry: Entry }, RegExp]>([
    ['the shell above rlimit', { entry: entry(50, { ppid: 40 }) }, /what you work in/],
    ['the leader of the session', { entry: entry(40, { ppid: 1 }) }, /what you work in/],
    ['the leader of a terminal', { entry: entry(100, { session: 100 }) }, /leads the session/],
    [
      'one under limits',
      { entry: entry(100), cgroup: '/app-rlimit.slice/rlimit-a-1.scope' },
      /under limits already, in rlimit-a-1\.scope/,
    ],
  ])('refuses %s, unless forced', (_, candidate, message) => {
    expect(check(candidate)).toThrow(message);
    expect(check(candidate, true)()).toBe(candidate.entry);
  });

  it('takes a daemon that leads a session without a terminal', () => {
    expect(check({ entry: entry(100, { session: 100, tty: 0 }) })()).toMatchObject({ pid: 100 });
  });
});

describe('parseTarget', () => {
  it.each([
    ['4711', { pid: 4711 }],
    [' 12 ', { pid: 12 }],
    ['4711:99', { pid: 4711, startTicks: 99 }],
  ])('%j', (text, target) => {
    expect(parseTarget(text)).toEqual(target);
  });

  it.each(['', '0', '-1', '1.5', '12:', ':3', '12:x', '0x10', '99999999999', '1 2'])(
    'refuses %j',
    (text) => {
      expect(() => parseTarget(text)).toThrow(UsageError);
    },
  );
});
