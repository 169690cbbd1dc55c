import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, promisedOf } from '../../../src/budget/decide.js';
import type { Amount } from '../../../src/model/index.js';

describe('decide', () => {
  it.each([
    ['fits', [300, 200], 0, 500, { admitted: true, free: 500 }],
    ['is too large by one byte', [300, 200], 0, 501, { why: 'no-room', free: 500 }],
    ['fits, but others came first', [300], 1, 100, { why: 'in-line', free: 700 }],
    ['is larger than the budget', [], 0, 1001, { why: 'never', free: 1000 }],
    ['is as large as the budget', [], 0, 1000, { admitted: true, free: 1000 }],
    ['has no limit, and nobody runs', [], 0, 'infinity', { admitted: true, free: 1000 }],
    ['has no limit, and somebody runs', [1], 0, 'infinity', { why: 'no-room', free: 999 }],
    ['comes beside a run without limit', ['infinity'], 0, 1, { why: 'no-room', free: 0 }],
    ['comes after the budget was lowered', [900, 900], 0, 1, { why: 'no-room', free: 0 }],
    ['is too large for ever, in line', [900], 3, 2000, { why: 'never', free: 100 }],
  ] as [string, Amount[], number, Amount, object][])(
    'a run that %s',
    (_, held, ahead, wants, so) => {
      const decision = decide({ budget: 1000, held, ahead, wants });
      expect(decision).toMatchObject({ admitted: false, ...so });
    },
  );

  const amount = fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.constant('infinity' as const));

  it('never promises more than the budget, whatever comes and goes', () => {
    const comesOrGoes = fc.record({ wants: amount, goes: fc.nat({ max: 5 }) });
    fc.assert(
      fc.property(fc.array(comesOrGoes, { maxLength: 50 }), (events) => {
        let held: Amount[] = [];
        for (const { wants, goes } of events) {
          if (decide({ budget: 1000, held, ahead: 0, wants }).admitted) held = [...held, wants];
          expect(promisedOf(held, 1000)).toBeLessThanOrEqual(1000);
          held = held.filter((_, index) => index !== goes);
        }
      }),
    );
  });

  it('admits everybody in the end, in order, when each run ends', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1 }), (queue) => {
        const waiting = queue.map((wants, index) => ({ wants, index }));
        const admitted: number[] = [];
        let held: number[] = [];
        for (let step = 0; waiting.length > 0 && step < 3 * queue.length; step += 1) {
          const fits = waiting.findIndex(
            ({ wants }, ahead) => decide({ budget: 1000, held, ahead, wants }).admitted,
          );
          if (fits < 0) held = held.slice(1);
          else
            for (const { wants, index } of waiting.splice(fits, 1)) {
              held.push(wants);
              admitted.push(index);
            }
        }
        expect(admitted).toEqual(queue.map((_, index) => index));
      }),
    );
  });
});
