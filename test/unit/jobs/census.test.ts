import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Job, JobCensus } from '../../../src/jobs/index.js';
import { Sizes } from '../../../src/jobs/sizes.js';

const M = 1024 ** 2;

function job(key: string, peak: number, comm = 'cc1'): Job {
  const memory = peak;
  return { key, root: 1, pids: [1], comm, memory, peak, startTicks: 1, frozen: false };
}

/** Feeds looks: what there is at each time. */
function census(...looks: [at: number, jobs: Job[], anon?: number, dissolved?: string[]][]) {
  const all = new JobCensus();
  for (const [at, jobs, anon = 0, dissolved = []] of looks) all.add({ at, jobs, anon, dissolved });
  return all;
}

describe('figures', () => {
  test('are absent where there was no job', () => {
    expect(new JobCensus().figures()).toBeUndefined();
    expect(census([0, [], 5], [1000, [], 6]).figures()).toBeUndefined();
  });

  test('hold the peak of each job, of those that go on too', () => {
    const all = census(
      [0, [job('a', 10 * M, 'sh'), job('b', 50 * M)]],
      [1000, [job('a', 100 * M), job('b', 20 * M)]],
      [2000, [job('b', 30 * M)]],
    );
    const figures = all.figures();
    expect(figures).toEqual({
      seen: 2,
      memory: { median: expect.closeTo(50 * M, -6), p90: 100 * M, max: 100 * M },
      histogram: [
        [Math.round(2 ** 25.5), 1],
        [Math.round(2 ** 26.5), 1],
      ],
      concurrency: { most: 2, mean: 2 },
      names: { cc1: 2 },
    });
    expect(all.figures()).toEqual(figures);
  });

  test('weigh how many there were by time, without that in which there was none', () => {
    const three = [job('a', M), job('b', M), job('c', M)];
    const all = census([0, three], [3000, [job('a', M)]], [4000, []], [9000, three], [9000, []]);
    expect(all.figures()?.concurrency).toEqual({ most: 3, mean: 2.5 });
    expect(census([5, three]).figures()?.concurrency).toEqual({ most: 3, mean: 3 });
  });

  test('leave out what was no job after all, and what could not be measured', () => {
    const all = census(
      [0, [job('shell', M), job('gone', 0), job('real', 2 * M)]],
      [1, [job('inner', 3 * M)], 0, ['shell']],
    );
    expect(all.figures()).toMatchObject({ seen: 2, memory: { max: 3 * M } });
  });

  test('name the most frequent, whatever they are called', () => {
    const jobs = Array.from({ length: 400 }, (_, i) =>
      job(`${i}`, M, i < 100 ? '__proto__' : `x${i}`),
    );
    const names = census([0, jobs]).figures()?.names ?? {};
    expect(Object.keys(names)).toHaveLength(8);
    expect(Object.entries(names)[0]).toEqual(['__proto__', 100]);
  });

  test('stay as small for a million jobs of any size', () => {
    const all = new JobCensus();
    for (let look = 0; look < 10_000; look += 1) {
      const jobs = Array.from({ length: 100 }, (_, i) =>
        job(`${look} ${i}`, Math.round(2 ** (10 + ((look * 100 + i) % 3200) / 100)), `name${i}`),
      );
      all.add({ at: look * 777, jobs, anon: 123_456_789_012, dissolved: [] });
    }
    expect(all.figures()?.seen).toBe(1_000_000);
    const text = JSON.stringify({ jobFigures: all.figures(), series: all.series() });
    expect(text.length).toBeLessThan(3000);
  });
});

describe('a series', () => {
  test('tells the most in each step, and the last known where nobody looked', () => {
    const all = new JobCensus();
    const one = [job('a', M)];
    all.add({ at: 5000, jobs: [...one, job('b', M)], anon: 7, dissolved: [] }, 3);
    all.add({ at: 5900, jobs: one, anon: 9, dissolved: [] }, 1);
    all.add({ at: 8000, jobs: [], anon: 1, dissolved: [] }, 0);
    expect(all.series()).toEqual({
      stepMs: 1000,
      memory: [9, 9, 9, 1],
      jobs: [2, 1, 1, 0],
      tokens: [3, 1, 1, 0],
    });
    expect(all.anonPeak).toBe(9);
  });

  test('has at most 60 steps, of the same length', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 300_000 }), { minLength: 1, maxLength: 50 }), (pauses) => {
        const all = new JobCensus();
        let at = 0;
        let most = 0;
        for (const [index, pause] of pauses.entries()) {
          at += index === 0 ? 0 : pause;
          most = Math.max(most, pause);
          all.add({ at, jobs: [], anon: pause, dissolved: [] });
        }
        const { stepMs, memory, jobs, tokens } = all.series();
        expect(memory.length).toBe(Math.floor(at / stepMs) + 1);
        expect(memory.length).toBeLessThanOrEqual(60);
        expect(stepMs === 1000 || memory.length > 30).toBe(true);
        expect(Math.max(...memory)).toBe(most);
        expect(jobs).toHaveLength(memory.length);
        expect(tokens).toBeUndefined();
      }),
    );
  });
});

describe('sizes', () => {
  test('have quantiles near those of the sorted list', () => {
    const size = fc.integer({ min: 1, max: 2 ** 40 });
    fc.assert(
      fc.property(
        fc.array(size, { minLength: 1, maxLength: 200 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (list, part) => {
          const sizes = new Sizes();
          for (const each of list) sizes.add(each);
          const sorted = [...list].sort((a, b) => a - b);
          const exact = sorted[Math.max(1, Math.ceil(part * list.length)) - 1] ?? 0;
          expect(Math.abs(sizes.quantile(part) - exact)).toBeLessThanOrEqual(exact * 0.023 + 0.5);
          expect(sizes.most).toBe(sorted.at(-1));
        },
      ),
    );
  });

  test('are shown by the bucket they are in', () => {
    const size = fc.integer({ min: 0, max: 2 ** 45 });
    fc.assert(
      fc.property(fc.array(size, { minLength: 1, maxLength: 200 }), (list) => {
        const sizes = new Sizes();
        for (const each of list) sizes.add(each);
        const histogram = sizes.histogram();
        expect(histogram.reduce((sum, [, count]) => sum + count, 0)).toBe(list.length);
        for (const [index, [bound]] of histogram.entries()) {
          const next = histogram[index + 1]?.[0] ?? Number.POSITIVE_INFINITY;
          expect(bound).toBeLessThan(next);
          const rank = Math.log2(bound) * 4;
          if (bound > 0) expect(Math.abs(rank - Math.round(rank))).toBeLessThan(1e-4);
        }
        const least = histogram[0]?.[0] ?? 0;
        expect(least).toBeLessThanOrEqual(Math.min(...list) * 1.0001);
      }),
    );
    expect(histogramOf(0, 5, 2 ** 20 - 1, 2 ** 20, 2 ** 30, 2 ** 44)).toEqual([
      [0, 3],
      [2 ** 20, 1],
      [2 ** 30, 1],
      [2 ** 40, 1],
    ]);
  });
});

function histogramOf(...list: number[]) {
  const sizes = new Sizes();
  for (const each of list) sizes.add(each);
  return sizes.histogram();
}
