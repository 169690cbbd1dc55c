/** Signs of life and the gaps between them. Pure. */

/** Gaps between signs of life within some time, in milliseconds. */
export interface Gaps {
  /** How many there were; the one that was open at the end counts. */
  count: number;
  median: number;
  longest: number;
}

/**
 * The gaps that lie in a stretch of time, or reach into it: what was silent when it began, or is
 * silent yet when it ends, was silent in it.
 * @param beats when the signs came, in milliseconds on the clock of `fromMs` and `toMs`
 */
export function gapsIn(beats: readonly number[], fromMs: number, toMs: number): Gaps {
  const before = beats.findLast((beat) => beat <= fromMs) ?? fromMs;
  const within = beats.filter((beat) => beat > fromMs && beat < toMs);
  const times = [before, ...within, toMs];
  const gaps = times.slice(1).map((time, index) => time - (times[index] as number));
  // Where it goes on, the last one is cut short by our own end and would only flatter.
  const whole = gaps.length > 1 ? gaps.slice(0, -1) : gaps;
  const sorted = [...whole].sort((one, other) => one - other);
  return {
    count: gaps.length,
    median: sorted[Math.floor(sorted.length / 2)] ?? 0,
    longest: Math.max(...gaps),
  };
}

/** Milliseconds as a person reads them: `60 ms`, `4.2 s`. */
export function inTime(milliseconds: number): string {
  return milliseconds < 1000
    ? `${Math.round(milliseconds)} ms`
    : `${(milliseconds / 1000).toFixed(1)} s`;
}
