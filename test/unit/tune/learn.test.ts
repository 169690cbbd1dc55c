import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../../src/model/index.js';
import { loadProfile, resolve } from '../../../src/profiles/index.js';
import { GiB, MiB, ONE_CORE } from '../../../src/quantity/index.js';
import { learnFrom, memoryFor, weigh } from '../../../src/tune/index.js';
import { machineWith, nowhere } from '../profiles/places.js';
import { killedRun, type RunWords, runOf } from './runs.js';

/** coq-standard there: MemoryMax 38G, CPUQuota 1200%, -j2 to 4. */
const machine = machineWith({ cores: 16, memory: '64G' });
const profile = await loadProfile('coq-standard', nowhere);
const limits = resolve(profile, machine);
const SHARE = 38 * GiB;

const learnt = (runs: readonly Outcome[], more: { untuned?: typeof profile } = {}) =>
  learnFrom(profile, limits, machine, { runs, ...more });
const ended = { id: 'user-signal' as const, says: 'ended by the user', evidence: [] };
const three = (words: RunWords = {}) => [runOf(words), runOf(words), runOf(words)];

describe('too little was seen', () => {
  it.each([
    ['nothing', []],
    ['two runs', [runOf({ jobs: Array(100).fill(GiB) }), runOf()]],
    ['few jobs', three({ jobs: Array(9).fill(GiB) })],
    ['runs without jobs', Array(5).fill(runOf({ jobs: [] }))],
    ['runs that somebody ended', Array(5).fill(runOf({ words: { verdict: ended } }))],
  ])('%s: the table counts', (_, runs) => {
    const { jobs, memoryMax, cpuQuota, evidence, next, needed } = learnt(runs);
    expect(evidence.isEnough).toBe(false);
    expect(jobs).toEqual({ value: 2, bound: 'model', reason: limits.jobs?.reason });
    expect(memoryMax).toMatchObject({ value: SHARE, bound: 'model' });
    expect(cpuQuota).toMatchObject({ value: 12 * ONE_CORE, bound: 'model' });
    expect(next).toBeUndefined();
    expect(needed).toEqual({ runs: 3, jobs: 30 });
  });

  it('but a killed run counts at once, and only downward', () => {
    const { jobs, next } = learnt([killedRun({ most: 2, limit: '38G' })]);
    expect(jobs).toMatchObject({ value: 1, bound: 'killed' });
    expect(next?.action).toBe('go down: -j1');
    expect(learnt([killedRun({ most: 12, limit: '4G' })]).jobs.value).toBe(2);
  });
});

describe('the number of jobs', () => {
  it('is what runs have tried, where memory and CPU hold it', () => {
    const { jobs, evidence } = learnt(three({ most: 6 }));
    expect(jobs).toMatchObject({ value: 6, bound: 'tried' });
    expect(jobs.reason).toContain('No run had more than 6 jobs at a time.');
    expect(evidence).toMatchObject({ runs: 3, jobs: 36, killed: 0, tried: 6, isEnough: true });
  });

  it('is what fits into memory, the largest job among them', () => {
    const jobs = [...Array(39).fill(2 * GiB), 12 * GiB];
    const { jobs: advice, evidence } = learnt(three({ jobs, most: 16, cores: 2 }));
    // 38G less a fifth is 30.4G: 12G, and seven of 2.4G beside it.
    expect(advice).toMatchObject({ value: 8, bound: 'memory' });
    expect(evidence.perJob?.max).toBe(12 * GiB);
    expect(evidence.perJob?.high).toBeCloseTo(2 * GiB * 2 ** 0.25, -3);
  });

  it('is a high quantile, not the mean', () => {
    const jobs = [...Array(90).fill(100 * MiB), ...Array(10).fill(8 * GiB)];
    expect(learnt(three({ jobs, most: 16, cores: 2 })).jobs.value).toBe(3);
  });

  it('is what fills the CPUQuota', () => {
    const { jobs } = learnt(three({ most: 8, cores: 24 }));
    expect(jobs).toMatchObject({ value: 3, bound: 'cpu' });
    expect(jobs.reason).toContain('a job keeps 4 cores busy');
  });

  it('is never more than the profile says itself', () => {
    const single = { ...profile, jobs: { ...(profile.jobs as object), pick: 1 } } as typeof profile;
    expect(learnt(three({ most: 8 }), { untuned: single }).jobs).toMatchObject({
      value: 1,
      bound: 'profile',
    });
  });

  it('is 1 where even one does not fit, and that is said', () => {
    const { jobs, memoryMax } = learnt(three({ jobs: Array(20).fill(40 * GiB) }));
    expect(jobs).toMatchObject({ value: 1, bound: 'minimum' });
    expect(memoryMax).toMatchObject({ value: SHARE, bound: 'profile' });
    expect(memoryMax.reason).toContain('more than MemoryMax=38G');
  });
});

describe('a killed run', () => {
  const killed = killedRun({ most: 4, limit: '38G', jobs: Array(4).fill(100 * MiB) });

  it('takes jobs away, whatever was seen of its jobs', () => {
    const { jobs, evidence, next } = learnt([...three(), killed]);
    expect(jobs).toMatchObject({ value: 3, bound: 'killed' });
    expect(evidence.perJob?.isFromKill).toBe(true);
    expect(next).toMatchObject({ when: 'A run was killed for lack of memory.', jobs: [3, 2] });
  });

  it('is believed no more once three runs did as much with as little', () => {
    const later = three({ limit: '38G' });
    expect(learnt([killed, ...later]).jobs.value).toBe(4);
    expect(learnt([killed, ...later.slice(1)]).evidence.killed).toBe(1);
    expect(learnt([killed, ...three({ limit: '50G' })]).evidence.killed).toBe(1);
  });
});

describe('MemoryMax', () => {
  it('is what the jobs need, and a quarter', () => {
    const { memoryMax } = learnt(three());
    // The peaks of 1G lie in a bucket that begins there, and none was larger.
    expect(memoryMax).toMatchObject({ value: 5 * GiB, bound: 'memory' });
    expect(memoryMax.reason).toContain('The largest job (1G) and 3 jobs of 1G');
  });

  it('is never below what a run of as few jobs had', () => {
    const figures = { anonPeak: 20 * GiB, cpuUsec: 1e9 };
    const { memoryMax } = learnt([...three(), runOf({ words: { figures } })]);
    expect(memoryMax.value).toBeGreaterThan(20 * GiB);
    expect(memoryMax.reason).toBe('A run of no more jobs had 20G, and may have had more.');
  });

  it('may rise again to what the profile had before', () => {
    const tuned = { ...profile, limits: { ...profile.limits, MemoryMax: '2G' } };
    const report = learnFrom(tuned, resolve(tuned, machine, { force: true }), machine, {
      runs: three(),
      untuned: profile,
    });
    expect(report.memoryMax.value).toBe(5 * GiB);
    const kept = learnFrom(tuned, resolve(tuned, machine), machine, { runs: three() });
    expect(kept.memoryMax.value).toBeLessThanOrEqual(2 * GiB);
  });

  it('stays as it is where it is close', () => {
    const near = { ...profile, limits: { ...profile.limits, MemoryMax: '5.25G' } };
    const report = learnFrom(near, resolve(near, machine), machine, {
      runs: three(),
      untuned: profile,
    });
    expect(report.memoryMax.value).toBe(5.25 * GiB);
  });
});

describe('CPUQuota and the next experiment', () => {
  it('half of the CPU idle and memory left: up', () => {
    expect(learnt(three({ most: 2, cores: 3 })).next).toMatchObject({
      action: 'go up: -j3, then -j4',
      jobs: [3, 4],
    });
    expect(learnt(three({ most: 4, cores: 3 })).next?.jobs).toEqual([6]);
  });

  it('more than was tried: just that', () => {
    const { next } = learnt(three({ most: 1 }));
    expect(next).toMatchObject({ when: 'No run has had more than 1 at a time.', jobs: [2] });
  });

  it('held back by the quota: more of it, and of the disk', () => {
    const { cpuQuota, next } = learnt(three({ cores: 11.5, throttled: 0.4 }));
    expect(cpuQuota).toMatchObject({ value: 14 * ONE_CORE, bound: 'cpu' });
    expect(next?.action).toBe('give it more: CPUQuota=1400%, IOWeight=100');
    expect(next?.when).toContain('CPUQuota=1200% holds it back in 40% of its periods');
  });

  it('waiting for memory: down', () => {
    const figures = { anonPeak: GiB, cpuUsec: 1e9, memoryStallUsec: 120e6 };
    const { next } = learnt(three({ words: { figures } }));
    expect(next?.action).toBe('go down: -j3, then -j2');
  });

  it('all in use: nothing is left to try', () => {
    expect(learnt(three({ cores: 9 })).next).toBeUndefined();
  });
});

const sizes = fc.array(fc.integer({ min: 20 * MiB, max: 8 * GiB }), {
  minLength: 10,
  maxLength: 40,
});
const someRuns = fc.array(
  fc.record({
    jobs: sizes,
    most: fc.integer({ min: 1, max: 20 }),
    cores: fc.integer({ min: 1, max: 16 }),
    throttled: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  { minLength: 1, maxLength: 8 },
);

describe('whatever was seen', () => {
  it('larger jobs never give more of them', () => {
    fc.assert(
      fc.property(someRuns, fc.double({ min: 1, max: 30, noNaN: true }), (runs, factor) => {
        const larger = runs.map((run) => ({ ...run, jobs: run.jobs.map((size) => size * factor) }));
        const few = learnt(larger.map(runOf)).jobs.value;
        expect(few).toBeLessThanOrEqual(learnt(runs.map(runOf)).jobs.value);
      }),
    );
  });

  it('a killed run never gives more jobs, wherever it stands', () => {
    const kill = fc.record({
      jobs: sizes,
      most: fc.integer({ min: 1, max: 20 }),
      limit: fc.constantFrom('1G', '4G', '38G', '60G', 'nonsense'),
    });
    fc.assert(
      fc.property(someRuns, kill, fc.nat({ max: 8 }), (runs, killed, place) => {
        const all = runs.map(runOf);
        const more = [...all.slice(0, place), killedRun(killed), ...all.slice(place)];
        expect(learnt(more).jobs.value).toBeLessThanOrEqual(learnt(all).jobs.value);
      }),
    );
  });

  it('killed at the share with so many jobs: fewer', () => {
    fc.assert(
      fc.property(someRuns, fc.integer({ min: 2, max: 40 }), (runs, most) => {
        const all = [...runs.map(runOf), killedRun({ most, limit: '38G' })];
        expect(learnt(all).jobs.value).toBeLessThan(most);
      }),
    );
  });

  it('MemoryMax holds the jobs that are recommended, and what was seen, up to the share', () => {
    fc.assert(
      fc.property(someRuns, (runs) => {
        const all = runs.map(runOf);
        const { jobs, memoryMax, evidence } = learnt(all);
        const value = memoryMax.value ?? 0;
        expect(value).toBeLessThanOrEqual(SHARE);
        if (!evidence.isEnough || evidence.perJob === undefined) return;
        const fitting = evidence.peaks.filter((peak) => peak.jobs <= jobs.value);
        const need = Math.max(
          memoryFor(jobs.value, evidence.perJob),
          evidence.perJob.max,
          ...fitting.map(({ bytes }) => bytes),
        );
        expect(value).toBeGreaterThanOrEqual(Math.min(SHARE, need));
        expect(jobs.value).toBeGreaterThanOrEqual(1);
      }),
    );
  });

  it('CPUQuota never goes down, and never above the generous one', () => {
    fc.assert(
      fc.property(someRuns, (runs) => {
        const { value = 0 } = learnt(runs.map(runOf)).cpuQuota;
        expect(value).toBeGreaterThanOrEqual(12 * ONE_CORE);
        expect(value).toBeLessThanOrEqual(14 * ONE_CORE);
      }),
    );
  });

  it('the latest runs count more than older ones', () => {
    const [small, large] = [
      Array.from({ length: 15 }, () => runOf({ jobs: Array(10).fill(GiB) })),
      Array.from({ length: 15 }, () => runOf({ jobs: Array(10).fill(6 * GiB) })),
    ];
    expect(weigh([...large, ...small]).perJob?.median).toBeLessThan(2 * GiB);
    expect(weigh([...small, ...large]).perJob?.median).toBeGreaterThan(5 * GiB);
  });
});
