/** How long to wait until the next look. Pure. */

/** A crossing must be seen, and its process ended, within 0.5 s: half of that is not for waiting. */
const LONGEST_MS = 200;
const SHORTEST_MS = 20;
/** Part of one CPU that looking may take: below the 2 % that is promised, timers included. */
const SHARE = 0.01;
/** CPU time in ms that may be spent at once, at the start and when a limit comes near. */
const CREDIT_MS = 50;
/** However slow the machine is: to be late is worse than to cost more. */
const LATEST_MS = 400;

/** What is known of one limit at a look. */
export interface Headroom {
  /** How much is left, in bytes or tasks. */
  left: number;
  /** How much came since the look before. */
  grown: number;
  /** Growth for each second that is reckoned with, however still it is now. */
  least: number;
}

/**
 * CPU time that may still be spent on looking, in ms; below zero it is owed.
 * @param credit what it was after the look before; absent at the first
 * @param sinceMs time since then
 * @param costMs what this look took
 */
export function creditAfter(
  credit: number | undefined,
  { sinceMs, costMs }: { sinceMs: number; costMs: number },
): number {
  const before = credit === undefined ? CREDIT_MS : credit + sinceMs * SHARE;
  return Math.min(before, CREDIT_MS) - costMs;
}

/**
 * @param sinceMs time since the look before
 * @param credit see `creditAfter`
 * @returns milliseconds: soon where a limit is near at the present growth, seldom where it is far,
 * and in the long run never so often that looking costs more than its share
 */
export function nextLookMs(
  headrooms: readonly Headroom[],
  { sinceMs, credit }: { sinceMs: number; credit: number },
): number {
  const needed = headrooms.map(({ left, grown, least }) => {
    const speed = Math.max((2 * grown) / Math.max(sinceMs, 1), least / 1000);
    return left / speed;
  });
  const wanted = Math.max(SHORTEST_MS, Math.min(LONGEST_MS, ...needed));
  return Math.min(LATEST_MS, Math.max(wanted, -credit / SHARE));
}
