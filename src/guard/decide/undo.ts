import type { Action, GuardState } from './types.js';

/** Everything that a guard has changed and not ended, put back: what stands still goes on first. */
export function undo({
  frozen,
  adjusted,
  inherited,
  protected: kept,
  tokens,
}: GuardState): Action[] {
  const why = 'the guard ends';
  return [
    ...frozen.map(({ unit, cgroup }): Action => ({ do: 'thaw', unit, cgroup, why })),
    ...(tokens === undefined ? [] : [{ do: 'tokens' as const, why }]),
    ...Object.values(adjusted).map(({ from, to, sinceTicks: _, ...process }): Action => {
      return { do: 'restore', process, from: to, to: from, why };
    }),
    ...undoHeirs(inherited),
    ...Object.values(kept).map(({ from, ...process }): Action => {
      return { do: 'unprotect', process, to: from, why };
    }),
  ];
}

/** Scores that children were born with, put back. */
export function undoHeirs(inherited: GuardState['inherited']): Action[] {
  const why = 'the guard ends, and it was born with that';
  return Object.values(inherited).map(({ from, to, heirOf: _, ...process }): Action => {
    return { do: 'restore', process, from: to, to: from, why };
  });
}

/** The subject of an action: what a failure is noted under. */
export function subjectOf(action: Action): string {
  if ('process' in action) return `${action.process.pid}:${action.process.startTicks}`;
  return 'unit' in action ? action.unit : '';
}
