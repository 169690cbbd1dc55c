import { describe, expect, it } from 'vitest';
import type { JobFigures, JobModel, Limits, Machine } from '../../../../src/model/index.js';
import { expectedOf, mostJobs } from '../../../../src/run/jobserver/plan.js';
import { versionOf, wayFor } from '../../../../src/run/jobserver/versions.js';

const MiB = 1024 ** 2;
const jobs: JobModel = {
  memory: { low: 1024 * MiB, high: 4096 * MiB },
  cores: 1,
  pick: 'high',
  processes: [],
};
const figures = (median: number, max: number): JobFigures => ({
  seen: 9,
  memory: { median, p90: max, max },
  histogram: [],
  concurrency: { most: 2, mean: 1 },
  names: {},
});
const run = (median: number, more = {}) => ({
  ...{ profile: 'mine', cwd: '/src', jobFigures: figures(median, median * 3) },
  ...more,
});

describe('what is expected of a job', () => {
  const asked = { profile: 'mine', jobs, cwd: '/src' };

  it('is what the latest runs here had', () => {
    const outcomes = [900, 100, 300, 200, 250, 400].map((median) => run(median));
    expect(expectedOf(asked, outcomes)).toEqual({
      ...{ expected: 250, largest: 1200, from: 'the last 5 runs here' },
    });
    expect(expectedOf(asked, [run(7)])).toMatchObject({ expected: 7, from: 'the last run here' });
  });

  it('is what the profile says where there was none', () => {
    const others = [run(9, { cwd: '/other' }), run(9, { profile: 'other' })];
    const { jobFigures, ...without } = run(9);
    expect(expectedOf(asked, [...others, without])).toEqual({
      ...{ expected: 1024 * MiB, largest: 4096 * MiB, from: 'jobs.memory of mine' },
    });
  });

  it('is a guess, and called so, where nobody says anything', () => {
    const { expected, from } = expectedOf({ ...asked, jobs: undefined }, []);
    expect(expected).toBeGreaterThan(0);
    expect(from).toContain('nothing is known');
  });
});

describe('the most jobs', () => {
  const machine = { cores: 4, cpus: 8, memory: 1, swap: 0 } satisfies Machine;
  const limits = (quota?: string, high = 1): Limits => ({
    profile: 'mine',
    properties:
      quota === undefined
        ? []
        : [
            {
              property: 'CPUQuota',
              value: quota,
              wish: quota,
              origin: { layer: 'user', profile: 'mine' },
            },
          ],
    leftOut: [],
    jobs: { low: 1, high, pick: 1, bound: 'cores', reason: '', notes: [] },
    environment: {},
  });

  it.each([
    ['all CPUs', limits(), 8],
    ['what the quota leaves', limits('250%'), 3],
    ['no more than there are', limits('9900%'), 8],
    ['never fewer than are recommended', limits('100%', 5), 5],
  ])('are as many as fill the CPUs: %s', (_, resolved, most) => {
    expect(mostJobs(resolved, jobs, machine)).toBe(most);
  });

  it('are fewer where one keeps several cores busy', () => {
    expect(mostJobs(limits(), { ...jobs, cores: 3 }, machine)).toBe(3);
  });
});

describe('the way to the tools', () => {
  const way = (versions: Record<string, readonly [number, number]>) =>
    wayFor({ style: 'fifo' }, (program) => versions[program]);

  it('is a FIFO for ninja, where make knows it', () => {
    expect(way({ ninja: [1, 13], make: [4, 4] })).toEqual({ style: 'fifo', notes: [] });
    expect(way({ ninja: [1, 13] })).toEqual({ style: 'fifo', notes: [] });
    expect(way({ ninja: [2, 0], make: [5, 0] })).toEqual({ style: 'fifo', notes: [] });
  });

  it('is pipes where it would be in vain, or the end of make', () => {
    expect(way({ ninja: [1, 12], make: [4, 4] })).toMatchObject({
      style: 'pipe',
      notes: [expect.stringContaining('ninja 1.12 asks no jobserver')],
    });
    expect(way({ ninja: [1, 13], make: [4, 3] })).toMatchObject({
      style: 'pipe',
      notes: [expect.stringContaining('of which make 4.3 would die')],
    });
  });

  it('is found out from the programs themselves', () => {
    expect(versionOf(process.execPath, process.env)?.[0]).toBeGreaterThanOrEqual(20);
    expect(versionOf('no-such-program', process.env)).toBeUndefined();
  });
});
