import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { creditAfter, type Headroom, nextLookMs } from '../../../../src/run/watch/pace.js';

const MIB = 1024 ** 2;
const memory = (left: number, grown: number): Headroom => ({
  left: left * MIB,
  grown: grown * MIB,
  least: 256 * MIB,
});
const cheap = { sinceMs: 100, credit: 10 };

describe('nextLookMs', () => {
  it('is seldom where nothing is watched, or the limit is far', () => {
    expect(nextLookMs([], cheap)).toBe(200);
    expect(nextLookMs([memory(100_000, 0)], cheap)).toBe(200);
  });

  it('is sooner the nearer the limit is, and the faster it comes', () => {
    expect(nextLookMs([memory(32, 0)], cheap)).toBe(125);
    // 100 MiB in 100 ms is 1000 MiB/s, and twice that is reckoned with.
    expect(nextLookMs([memory(200, 100)], cheap)).toBe(100);
    expect(nextLookMs([memory(1, 100)], cheap)).toBe(20);
  });

  it('goes by the limit that is nearest', () => {
    const tasks = { left: 10, grown: 0, least: 200 };
    expect(nextLookMs([memory(100_000, 0), tasks], cheap)).toBe(50);
  });

  it('may spend what it has saved, and pays back what it owes', () => {
    const near = [memory(1, 100)];
    expect(nextLookMs(near, { sinceMs: 50, credit: 1 })).toBe(20);
    expect(nextLookMs(near, { sinceMs: 50, credit: -3 })).toBe(300);
    // On a machine that slow, being late would be worse.
    expect(nextLookMs(near, { sinceMs: 50, credit: -300 })).toBe(400);
  });

  it('costs no more than its share of a CPU in the long run, whatever grows', () => {
    const figure = fc.nat({ max: 1e6 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(figure, figure), { minLength: 2000, maxLength: 2000 }),
        // Where one look costs more than 1 % of the longest pause, being late would be worse.
        fc.double({ min: 0.01, max: 3.9, noNaN: true }),
        (looks, costMs) => {
          let [elapsed, sinceMs, spent] = [0, 1000, 0];
          let credit: number | undefined;
          for (const [left, grown] of looks) {
            credit = creditAfter(credit, { sinceMs, costMs });
            spent += costMs;
            sinceMs = nextLookMs([memory(left, grown)], { sinceMs, credit });
            elapsed += sinceMs;
          }
          expect((spent - 50) / elapsed).toBeLessThan(0.0105);
        },
      ),
      { numRuns: 20 },
    );
  });
});
