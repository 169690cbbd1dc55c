import { describe, expect, it } from 'vitest';
import type { UnitRecord } from '../../../src/model/index.js';
import { findOwnRuns, isWithoutSystemd, ownRunsNamed } from '../../../src/systemd/find.js';
import { isRunning, liveOwnRuns } from '../../../src/systemd/own-runs.js';
import { procFiles, tree } from '../cgroup/tree.js';

const record = (unit: string, more: Partial<UnitRecord> = {}): UnitRecord => ({
  version: 1,
  unit,
  slice: 'app-rlimit.slice',
  profile: 'coq',
  properties: {},
  command: ['true'],
  cwd: '/',
  started: 0,
  launcher: 'watched',
  ...more,
});

/** A machine with a run in a cgroup, and a watched run with another inside. */
function machine() {
  const environ = (unit: string) => `A=1\0RLIMIT_UNIT=${unit}\0`;
  const cgroup = '/';
  const root = tree({
    ...procFiles(10, { cgroup, startTicks: 100 }),
    'proc/10/environ': environ('rlimit-coq-1.scope'),
    ...procFiles(11, { cgroup }),
    'proc/11/environ': environ('rlimit-coq-2.scope'),
    ...procFiles(12, { cgroup }),
    'proc/12/environ': 'A=1\0',
    'cg/rlimit/rlimit-coq-3/cgroup.events': 'populated 1\nfrozen 0\n',
    'cg/rlimit/rlimit-coq-3/cgroup.procs': '',
    'cg/rlimit/rlimit-coq-3/main/cgroup.procs': '12\n',
  });
  return { root: `${root}/cg`, proc: `${root}/proc` };
}

const RECORDS = [
  record('rlimit-coq-1.scope', { runner: { pid: 10, startTicks: 100 } }),
  record('rlimit-coq-2.scope', { within: 'rlimit-coq-1.scope' }),
  record('rlimit-coq-3.scope', { launcher: 'cgroup', cgroup: '/rlimit/rlimit-coq-3' }),
  record('rlimit-coq-4.scope', { launcher: 'cgroup', cgroup: '/rlimit/gone' }),
  record('rlimit-coq-5.scope'),
  record('rlimit-coq-6.scope', { launcher: 'user' }),
];

describe('liveOwnRuns', () => {
  it('finds those that have processes, a run inside counted with the one around it', () => {
    const runs = liveOwnRuns(RECORDS, machine());
    expect(runs.map(({ record: { unit }, pids }) => [unit, pids().sort()])).toEqual([
      ['rlimit-coq-1.scope', [10, 11]],
      ['rlimit-coq-2.scope', [11]],
      ['rlimit-coq-3.scope', [12]],
    ]);
    expect(runs.map(({ hasRunner }) => hasRunner)).toEqual([true, false, false]);
  });

  it('takes no process for a runner that only has its PID', () => {
    const { proc } = machine();
    expect(isRunning({ runner: { pid: 10, startTicks: 100 } }, proc)).toBe(true);
    expect(isRunning({ runner: { pid: 10, startTicks: 101 } }, proc)).toBe(false);
    expect(isRunning({ runner: { pid: 99, startTicks: 100 } }, proc)).toBe(false);
    expect(isRunning({}, proc)).toBe(false);
  });
});

describe('findOwnRuns', () => {
  it('gives them the form of units', () => {
    const units = findOwnRuns(RECORDS, machine());
    expect(units.map(({ shown }) => [shown.Id, shown.ControlGroup])).toEqual([
      ['rlimit-coq-1.scope', undefined],
      ['rlimit-coq-2.scope', undefined],
      ['rlimit-coq-3.scope', '/rlimit/rlimit-coq-3'],
    ]);
    const named = (name: string) =>
      ownRunsNamed(name, units, RECORDS).map(({ shown }) => shown.Id?.slice(11, 12));
    expect(named('coq')).toEqual(['1', '2', '3']);
    expect(named('rlimit-coq-2')).toEqual(['2']);
    expect(named('rlimit-coq-3.scope')).toEqual(['3']);
    expect(named('co')).toEqual([]);
  });
});

describe('isWithoutSystemd', () => {
  it('goes by what sd_booted(3) goes by', () => {
    expect(isWithoutSystemd(tree({}))).toBe(true);
    expect(isWithoutSystemd(tree({ 'run/systemd/system/x': '' }))).toBe(false);
  });
});
