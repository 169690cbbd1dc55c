import { expect, it } from 'vitest';
import { pauseMs } from '../../../src/jobserver/pace.js';

it.each([
  ['what the policy asks for', 400, { elapsedMs: 1000, costMs: 1 }, 400],
  ['not more often than a look is worth', 0, { elapsedMs: 1000, costMs: 1 }, 25],
  ['less where looking has become dear', 400, { elapsedMs: 10_000, costMs: 222 }, 1000],
  ['but often enough', 400, { elapsedMs: 10_000, costMs: 5000 }, 4000],
  ['more near a limit', 100, { elapsedMs: 10_000, costMs: 400 }, 100],
  ['and there always soon', 100, { elapsedMs: 10_000, costMs: 5000 }, 500],
] as const)('looks: %s', (_, wished, spent, pause) => {
  expect(pauseMs(wished, spent)).toBe(pause);
});

it('costs half a percent of a core in the long run where nothing is near', () => {
  let [elapsedMs, costMs] = [0, 0];
  while (elapsedMs < 600_000) {
    costMs += 3;
    elapsedMs += pauseMs(250, { elapsedMs, costMs });
  }
  expect((costMs - 200) / elapsedMs).toBeLessThanOrEqual(0.005);
});
