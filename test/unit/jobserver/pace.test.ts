import { expect, it } from 'vitest';
import { pauseMs } from '../../../src/jobserver/pace.js';

it.each([
  ['what the policy asks for', 500, { elapsedMs: 1000, costMs: 1 }, 500],
  ['not more often than a look is worth', 0, { elapsedMs: 1000, costMs: 1 }, 25],
  ['less where looking has become dear', 500, { elapsedMs: 10_000, costMs: 1022 }, 1000],
  ['but often enough', 500, { elapsedMs: 10_000, costMs: 5000 }, 1500],
  ['more near a limit', 400, { elapsedMs: 10_000, costMs: 1900 }, 400],
  ['and there always soon', 100, { elapsedMs: 10_000, costMs: 5000 }, 500],
] as const)('looks: %s', (_, wished, spent, pause) => {
  expect(pauseMs(wished, spent)).toBe(pause);
});

it('costs half a percent of a core in the long run where nothing is near', () => {
  let [elapsedMs, costMs] = [0, 0];
  while (elapsedMs < 600_000) {
    costMs += 3;
    elapsedMs += pauseMs(500, { elapsedMs, costMs });
  }
  expect((costMs - 1000) / elapsedMs).toBeLessThanOrEqual(0.005);
});
