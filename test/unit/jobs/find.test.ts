import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findJobs, type JobProcess } from '../../../src/jobs/find.js';
import { jobNames } from '../../../src/jobs/tools.js';

type Line = [pid: number, ppid: number, comm: string, memory?: number, startTicks?: number];

function processes(...lines: Line[]): JobProcess[] {
  return lines.map(([pid, ppid, comm, memory = 0, startTicks = pid]) => {
    return { pid, ppid, comm, memory, startTicks };
  });
}

/** The PIDs of each job, in order. */
function pidsOf(list: JobProcess[], names: string[] = []): number[][] {
  const jobs = findJobs(list, jobNames(names)).map(({ pids }) => [...pids].sort((a, b) => a - b));
  return jobs.sort(([a = 0], [b = 0]) => a - b);
}

describe('children of a build tool', () => {
  test('are jobs with all that they started', () => {
    const list = processes(
      [10, 1, 'bash'],
      [11, 10, 'make'],
      [12, 11, 'sh', 1],
      [13, 12, 'g++', 2],
      [14, 13, 'cc1plus', 300],
      [15, 13, 'as', 7],
      [16, 11, 'python3', 5],
      [17, 10, 'tee'],
    );
    expect(findJobs(list)).toEqual([
      {
        key: '16:16',
        root: 16,
        pids: [16],
        comm: 'python3',
        memory: 5,
        peak: 5,
        startTicks: 16,
        frozen: false,
      },
      {
        key: '12:12',
        root: 12,
        pids: [12, 13, 14, 15],
        comm: 'cc1plus',
        memory: 310,
        peak: 310,
        startTicks: 12,
        frozen: false,
      },
    ]);
  });

  test('are none where a build tool is below them: its own children are', () => {
    const list = processes(
      [10, 1, 'make'],
      [11, 10, 'sh'],
      [12, 11, 'make'],
      [13, 12, 'sh'],
      [14, 13, 'cc1'],
      [15, 11, 'tee'],
      [16, 12, 'ninja'],
      [17, 16, 'rustc'],
    );
    expect(pidsOf(list)).toEqual([[13, 14], [17]]);
  });

  test('are none as long as they have not become another program', () => {
    expect(pidsOf(processes([10, 1, 'make'], [11, 10, 'make']))).toEqual([]);
  });
});

describe('processes with a name', () => {
  test('of a compiler are jobs under a script, the outermost as a whole', () => {
    const list = processes(
      [10, 1, 'bash'],
      [11, 10, 'rocq'],
      [12, 11, 'rocqworker'],
      [13, 10, 'sleep'],
      [14, 10, 'coqc'],
    );
    expect(pidsOf(list)).toEqual([[11, 12], [14]]);
  });

  test('that was given are jobs, also where the kernel cuts it', () => {
    const list = processes([10, 1, 'bash'], [11, 10, 'simulator'], [12, 10, 'averyveryverylo']);
    expect(pidsOf(list)).toEqual([]);
    expect(pidsOf(list, ['simulator', 'averyveryverylongname'])).toEqual([[11], [12]]);
  });

  test('are none where a build tool is below them, and a build tool never is', () => {
    const list = processes([10, 1, 'node'], [11, 10, 'make'], [12, 11, 'sh'], [13, 10, 'node']);
    expect(pidsOf(list, ['make', 'node'])).toEqual([[12], [13]]);
  });
});

test('a job is frozen when all of it is, and its peaks add up', () => {
  const list: JobProcess[] = [
    { pid: 1, ppid: 0, comm: 'make', startTicks: 1, memory: 0 },
    { pid: 2, ppid: 1, comm: 'sh', startTicks: 2, memory: 5, frozen: true },
    { pid: 3, ppid: 2, comm: 'small', startTicks: 2, memory: 10, peak: 90, frozen: true },
    { pid: 4, ppid: 2, comm: 'large', startTicks: 2, memory: 50, frozen: true },
  ];
  expect(findJobs(list)).toMatchObject([{ comm: 'small', memory: 65, peak: 145, frozen: true }]);
  const half = list.map((each) => (each.pid === 3 ? { ...each, frozen: false } : each));
  expect(findJobs(half)[0]?.frozen).toBe(false);
});

describe('odd sets', () => {
  test('a parent that is not there, or is younger than its child, is none', () => {
    expect(pidsOf(processes([10, 9, 'sh'], [11, 12, 'sh'], [12, 1, 'make']))).toEqual([]);
  });

  test('circles and processes that are their own parents end, and are passed over', () => {
    const list = processes([10, 11, 'make', 0, 5], [11, 10, 'sh', 0, 5], [12, 12, 'cc1', 0, 5]);
    expect(pidsOf(list)).toEqual([[12]]);
  });

  test('of two with one PID the younger one counts', () => {
    const old: Line = [11, 1, 'make', 0, 11];
    const list = processes([10, 1, 'make'], old, [11, 10, 'sh', 3, 12], [12, 11, 'cat', 0, 13]);
    expect(pidsOf(list)).toEqual([[11, 12]]);
  });

  test('any set gives jobs that do not overlap and hold no build tool', () => {
    const line = fc.record({
      pid: fc.integer({ min: 1, max: 30 }),
      ppid: fc.integer({ min: 0, max: 30 }),
      comm: fc.oneof(fc.constantFrom('make', 'sh', 'cc1', '__proto__'), fc.string()),
      startTicks: fc.integer({ min: 0, max: 5 }),
      memory: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(line, { maxLength: 60 }), (list) => {
        const jobs = findJobs(list);
        const pids = jobs.flatMap((job) => job.pids);
        expect(new Set(pids).size).toBe(pids.length);
        for (const job of jobs) expect(job.pids[0]).toBe(job.root);
        const youngest = (pid: number) =>
          list
            .filter((each) => each.pid === pid)
            .reduce((a, b) => (b.startTicks > a.startTicks ? b : a));
        for (const pid of pids) expect(youngest(pid).comm).not.toBe('make');
      }),
    );
  });

  test('a chain and a crowd of 10,000 processes', () => {
    const chain = Array.from({ length: 10_000 }, (_, i): Line => [i + 2, i + 1, 'sh']);
    expect(findJobs(processes([1, 0, 'make'], ...chain))).toMatchObject([{ root: 2 }]);
    const crowd = Array.from({ length: 10_000 }, (_, i): Line => [i + 2, 1, 'sh']);
    expect(findJobs(processes([1, 0, 'make'], ...crowd))).toHaveLength(10_000);
  });
});
