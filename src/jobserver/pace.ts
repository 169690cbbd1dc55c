import { TUNED } from './constants.js';

/** When to look next, so that looking costs next to nothing. All figures in ms. */

/** Part of a core that looking may cost in the long run: while nothing is near, and when it is. */
const COST = 0.002;
const TIGHT_COST = 0.03;
/** What it may cost besides, in all: a build's first seconds tell most. */
const ALLOWANCE_MS = 1000;
const TIGHT_ALLOWANCE_MS = 2000;
/** A slow machine looks at least this often. */
const LONGEST_MS = 1500;
const TIGHT_LONGEST_MS = 500;
/** Not more often, whatever comes back. */
const SHORTEST_MS = 25;

export interface Spent {
  /** Since the first look. */
  elapsedMs: number;
  /** CPU time of all looks. */
  costMs: number;
}

/**
 * How long to wait for the next look.
 * @param wishedMs what the policy asks for
 */
export function pauseMs(wishedMs: number, { elapsedMs, costMs }: Spent): number {
  // It asks for less than at most only where memory may come near its limit by then.
  const isTight = wishedMs < TUNED.lookMostMs;
  const overdrawnMs = costMs - (isTight ? TIGHT_ALLOWANCE_MS : ALLOWANCE_MS);
  const affordableMs = overdrawnMs / (isTight ? TIGHT_COST : COST) - elapsedMs;
  const longestMs = isTight ? TIGHT_LONGEST_MS : LONGEST_MS;
  return Math.max(SHORTEST_MS, wishedMs, Math.min(affordableMs, longestMs));
}
