/** A child is born with the oom_score_adj of its parent (proc_pid_oom_score_adj(5)): whom a mark reached so. */
import type { MachineSample, ProcessSample } from '../../model/index.js';
import type { Adjusted, GuardState, Inherited } from './types.js';
import { keyOf, nameOf } from './view.js';

type Marks = Pick<GuardState, 'adjusted' | 'inherited'>;

/**
 * The heirs of those that are marked: descendants with the same score that were started after it was set.
 * One that was set anew by somebody, or has gone, is none any more.
 */
export function heirsOf(
  { adjusted, inherited }: Marks,
  { processes }: Pick<MachineSample, 'processes'>,
  byPid: ReadonlyMap<number, ProcessSample>,
): GuardState['inherited'] {
  const heirs: Record<string, Inherited> = {};
  const scores = new Set(
    [...Object.values(adjusted), ...Object.values(inherited)].map(({ to }) => to),
  );
  if (scores.size === 0) return heirs;
  for (const process of processes) {
    const { oomScoreAdj } = process;
    if (oomScoreAdj === undefined || !scores.has(oomScoreAdj)) continue;
    const key = keyOf(process);
    const known = inherited[key];
    if (adjusted[key] !== undefined) continue;
    // Whose parent has ended is a child of another one by now, and an heir all the same.
    if (known !== undefined) {
      if (known.to === oomScoreAdj) heirs[key] = known;
      continue;
    }
    const mark = markAbove(process, { adjusted, inherited }, byPid);
    if (mark === undefined) continue;
    const { from, to, heirOf } = mark;
    heirs[key] = { ...nameOf(process), from, to, heirOf };
  }
  return heirs;
}

/** The mark that a process was born with, by the nearest of its ancestors that has one. */
function markAbove(
  process: ProcessSample,
  { adjusted, inherited }: Marks,
  byPid: ReadonlyMap<number, ProcessSample>,
): Pick<Inherited, 'from' | 'to' | 'heirOf'> | undefined {
  const seen = new Set([process.pid]);
  for (let above = byPid.get(process.ppid); above !== undefined; above = byPid.get(above.ppid)) {
    // Two PIDs may have changed hands within a look.
    if (seen.has(above.pid)) return undefined;
    seen.add(above.pid);
    const key = keyOf(above);
    const mark: Adjusted | undefined = adjusted[key];
    if (mark !== undefined) {
      const isLater = process.startTicks >= (mark.sinceTicks ?? Number.POSITIVE_INFINITY);
      if (!isLater || mark.to !== process.oomScoreAdj) return undefined;
      return { from: mark.from, to: mark.to, heirOf: key };
    }
    const heir = inherited[key];
    if (heir !== undefined) return heir.to === process.oomScoreAdj ? heir : undefined;
    // Who has another score has not handed this one down.
    if (above.oomScoreAdj !== process.oomScoreAdj) return undefined;
  }
  return undefined;
}
