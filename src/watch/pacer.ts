/**
 * Spreads out looks that cost something: one that took t ms is not repeated before 200·t, so that
 * together they take half a percent of a core at most.
 */
export class Pacer {
  #dueMs = Number.NEGATIVE_INFINITY;

  /** Whether it is time for the next look. */
  isDue(nowMs: number): boolean {
    return nowMs >= this.#dueMs;
  }

  /** Notes what a look has cost, in milliseconds. */
  took(costMs: number, nowMs: number, leastMs = 0): void {
    this.#dueMs = nowMs + Math.max(leastMs, costMs * 200);
  }
}

/** CPU time of this process so far, in milliseconds. */
export function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
