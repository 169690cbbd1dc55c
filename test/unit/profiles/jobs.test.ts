import { describe, expect, it } from 'vitest';
import type { JobModel } from '../../../src/model/index.js';
import { loadProfile, resolve } from '../../../src/profiles/index.js';
import { adviseJobs } from '../../../src/profiles/jobs.js';
import { GiB } from '../../../src/quantity/index.js';
import { machineWith, nowhere, reference } from './places.js';

const coq: JobModel = {
  memory: { low: 10 * GiB, high: 20 * GiB },
  cores: 4,
  pick: 'low',
  processes: ['coqc'],
};

describe('the range by cores, with about 7 GB a core', () => {
  it.each([
    [36, 4, 8],
    [24, 3, 6],
    [16, 2, 4],
    [8, 2, 2],
  ])('%d cores: %d to %d', async (cores, low, high) => {
    const machine = machineWith({ cores, memory: `${cores * 7}G` });
    const { jobs } = resolve(await loadProfile('coq-standard', nowhere), machine);
    expect(jobs).toMatchObject({ low, high, pick: low, bound: 'cores' });
  });
});

it.each([
  ['coq-standard', 4],
  ['coq-conservative', 2],
  ['coq-aggressive', 8],
  ['coq-single', 1],
])('%s picks %d on the reference machine', async (name, pick) => {
  expect(resolve(await loadProfile(name, nowhere), reference).jobs?.pick).toBe(pick);
});

describe('what decides', () => {
  it('the cores, where memory holds more', () => {
    const advice = adviseJobs(coq, { cores: 36 }, memoryMax(500));
    expect(advice).toMatchObject({ bound: 'cores', notes: [] });
    expect(advice.reason).toContain('10% to 25% of 36 cores gives 4 to 8 jobs');
  });

  it('memory, at the lower figure of a job', () => {
    const advice = adviseJobs({ ...coq, pick: 'high' }, { cores: 36 }, memoryMax(59));
    expect(advice).toMatchObject({ low: 4, high: 5, pick: 5, bound: 'memory' });
    expect(advice.reason).toContain('MemoryMax=59G holds 5 jobs of 10G');
  });

  it('nothing, where not even one job fits', () => {
    const advice = adviseJobs(coq, { cores: 36 }, memoryMax(9));
    expect(advice).toMatchObject({ low: 1, high: 1, pick: 1, bound: 'minimum' });
  });

  it('the profile, where it names a number that fits', () => {
    expect(adviseJobs({ ...coq, pick: 3 }, { cores: 36 }, memoryMax(500))).toMatchObject({
      pick: 3,
      bound: 'fixed',
    });
    expect(adviseJobs({ ...coq, pick: 3 }, { cores: 36 }, memoryMax(20))).toMatchObject({
      pick: 2,
      bound: 'memory',
    });
  });
});

describe('heavy jobs', () => {
  it('are mentioned where the picked number of them would not fit', () => {
    const { notes } = adviseJobs(coq, { cores: 36 }, memoryMax(70));
    expect(notes).toEqual([
      '4 jobs of 20G would want 80G, more than MemoryMax=70G: where all are that heavy, 3 jobs are enough.',
    ]);
  });

  it('are mentioned where only the high end would not fit', () => {
    expect(adviseJobs(coq, { cores: 36 }, memoryMax(150)).notes[0]).toContain('8 jobs of 20G');
  });

  it('are mentioned where not one of them would fit', () => {
    expect(adviseJobs(coq, { cores: 8 }, memoryMax(12)).notes[0]).toContain('alone would want 20G');
  });
});

it('a range of its own is rounded down to whole jobs, and is at least one', () => {
  const nix = { ...coq, range: { low: 2500, high: 5000 }, pick: 'high' } satisfies JobModel;
  expect(adviseJobs(nix, { cores: 7 }, memoryMax(500))).toMatchObject({ low: 1, high: 3 });
  expect(adviseJobs(nix, { cores: 1 }, memoryMax(500))).toMatchObject({ low: 1, high: 1 });
});

function memoryMax(gibibytes: number) {
  return { bytes: gibibytes * GiB, name: `MemoryMax=${gibibytes}G` };
}
