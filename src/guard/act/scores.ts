import { constants, readFileSync, writeFileSync } from 'node:fs';
import { isAlive } from '../../cgroup/process.js';
import type { Named } from '../decide/types.js';
import { type Outcome, outcomeOf } from './outcome.js';

/**
 * Sets oom_score_adj of a process (proc_pid_oom_score_adj(5)), if it still is that process and still has
 * the score that it had: what somebody else has set meanwhile stays.
 */
export function changeScore(
  process: Named,
  { from, to, proc }: { from: number; to: number; proc: string },
): Outcome {
  if (!isAlive(process, proc)) return 'gone';
  const file = `${proc}/${process.pid}/oom_score_adj`;
  try {
    const now = Number(readFileSync(file, 'utf8'));
    if (now === to) return 'done';
    if (now !== from) return { failed: `somebody has set it to ${now} meanwhile` };
    writeFileSync(file, String(to), { flag: (constants.O_WRONLY | constants.O_TRUNC) as never });
    return 'done';
  } catch (error) {
    return outcomeOf(error);
  }
}
