/** Who may start: pure. Only memory is divided; CPU time the kernel shares out by itself. */
import type { Amount } from '../model/index.js';

/** The budget, and what is wanted of it. */
export interface Wanted {
  /** Bytes for all runs together. */
  budget: number;
  /** What each live run may use, in bytes; `infinity` is all of the budget. */
  held: readonly Amount[];
  /** How many wait whose turn is earlier. */
  ahead: number;
  /** Bytes; a run without a limit of its own may use the whole budget, and so wants it. */
  wants: Amount;
}

/** Whether a run may start now, and otherwise why not. */
export type Decision =
  | { admitted: true; free: number }
  /** It is larger than the whole budget: waiting would not help. */
  | { admitted: false; why: 'never'; free: number }
  /** Those that run leave too little. */
  | { admitted: false; why: 'no-room'; free: number }
  /** Others came first, whether or not it would fit: large runs would else wait for ever. */
  | { admitted: false; why: 'in-line'; free: number };

export function decide({ budget, held, ahead, wants }: Wanted): Decision {
  const free = Math.max(0, budget - promisedOf(held, budget));
  const needs = wants === 'infinity' ? budget : wants;
  if (needs > budget) return { admitted: false, why: 'never', free };
  if (needs > free) return { admitted: false, why: 'no-room', free };
  return ahead > 0 ? { admitted: false, why: 'in-line', free } : { admitted: true, free };
}

/** Sum of what runs may use, in bytes; one without a limit may use all of the budget. */
export function promisedOf(held: readonly Amount[], budget: number): number {
  return held.reduce((sum: number, one) => sum + (one === 'infinity' ? budget : one), 0);
}
