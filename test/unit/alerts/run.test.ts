import { expect, it } from 'vitest';
import { AlertRules } from '../../../src/alerts/rules.js';
import { watchAlerts } from '../../../src/alerts/run.js';
import type { AlertChanges } from '../../../src/model/index.js';
import { sampleAt } from './samples.js';

it('looks, tells what changed, and outlives a look that fails', async () => {
  const controller = new AbortController();
  const told: AlertChanges[] = [];
  const troubles: string[] = [];
  let looks = 0;
  let isClosed = false;
  await watchAlerts({
    sample: () => {
      looks += 1;
      if (looks === 2 || looks === 3) throw new Error('no meminfo');
      if (looks === 5) controller.abort();
      return sampleAt(looks * 30, { used: looks >= 4 ? 0.95 : 0.1 });
    },
    kills: async ({ atMs }) =>
      atMs === 30_000 ? [{ by: 'earlyoom', pid: 1, comm: 'x', time: 0 }] : [],
    rules: new AlertRules(),
    sinks: {
      tell: (changes) => void told.push(changes),
      close: async () => {
        isClosed = true;
      },
    },
    intervalMs: 5,
    signal: controller.signal,
    onTrouble: (text) => troubles.push(text),
  });
  expect(told.flatMap(({ raised }) => raised.map(({ rule }) => rule))).toEqual([
    'killed',
    'memory',
  ]);
  expect(troubles).toEqual(['the machine cannot be looked at: no meminfo']);
  expect(isClosed).toBe(true);
});

it('ends at once when it is told to between two looks', async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 20);
  const started = performance.now();
  await watchAlerts({
    sample: () => sampleAt(0),
    rules: new AlertRules(),
    sinks: { tell: () => {}, close: async () => {} },
    intervalMs: 60_000,
    signal: controller.signal,
    onTrouble: () => {},
  });
  expect(performance.now() - started).toBeLessThan(30_000);
});
