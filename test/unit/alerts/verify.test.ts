import { expect, it } from 'vitest';
import { alertOf } from '../../../src/alerts/verify.js';
import type { Finding } from '../../../src/model/index.js';

it('sums problems up: each name once, the first causes, and how many more', () => {
  const problem = (number: number): Finding => ({
    ...{
      id: number < 3 ? 'livelock' : 'no-backstop',
      severity: 'problem',
      cause: `cause ${number}`,
    },
    ...(number === 0 ? { unit: 'a.scope' } : {}),
  });
  expect(alertOf([0, 1, 2, 3, 4, 5, 6].map(problem), 5000)).toMatchObject({
    rule: 'verify',
    severity: 'WARNING',
    value: 7,
    says: '7 problems with limits: livelock, no-backstop',
    facts: [
      ...['a.scope: cause 0', 'cause 1', 'cause 2', 'cause 3', 'cause 4', 'and 2 more'],
      'rlimit doctor and rlimit inspect tell what mends them',
    ],
    since: 5000,
    ended: 5000,
  });
  expect(alertOf([problem(1)], 0).says).toBe('1 problem with limits: livelock');
});
