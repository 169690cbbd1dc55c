/** What the guards are exported as. */
import type { GuardActionKind, GuardSample } from '../../model/index.js';
import type { Metric, Point } from './format.js';

/** Every action there is: each counter is there from the first page on, so that none begins at 1. */
const KINDS = Object.keys({
  ...{ adjust: 0, freeze: 0, gpu: 0, kill: 0, livelock: 0, protect: 0, restore: 0, term: 0 },
  ...{ thaw: 0, tokens: 0, unprotect: 0, warn: 0 },
} satisfies Record<GuardActionKind, 0>) as GuardActionKind[];

export function guardMetrics(guards: readonly GuardSample[]): Metric[] {
  const counts = (of: (guard: GuardSample) => GuardSample['done']): Point[] =>
    guards.flatMap((guard) =>
      KINDS.map((action) => ({
        labels: { guard: guard.of, action },
        value: of(guard)[action] ?? 0,
      })),
    );
  return [
    {
      name: 'guard_up',
      type: 'gauge',
      help: '1 while a guard runs, 0 when it has ended; absent where there was none since boot.',
      points: guards.map(({ of, running }) => ({
        labels: { guard: of },
        value: running ? 1 : 0,
      })),
    },
    {
      name: 'guard_actions_total',
      type: 'counter',
      help: 'What a guard has done since boot, by action; restarts of the guard do not reset it.',
      points: counts(({ done }) => done),
    },
    {
      name: 'guard_failed_actions_total',
      type: 'counter',
      help: 'What a guard wanted to do and could not, by action.',
      points: counts(({ failed }) => failed),
    },
  ];
}
