import { TUNED } from './constants.js';

/** What is expected of a number nobody knows yet. */
export interface Guess {
  mean: number;
  variance: number;
}

export const NOTHING: Guess = { mean: 0, variance: 0 };

/** The sum of two that do not hang on each other. */
export function plus(one: Guess, other: Guess): Guess {
  return { mean: one.mean + other.mean, variance: one.variance + other.variance };
}

/** What is not exceeded up to so many standard deviations. */
export function upTo({ mean, variance }: Guess, deviations: number): number {
  return mean + deviations * Math.sqrt(variance);
}

/** What jobs are expected to need, from a first estimate and from the jobs that ended; in bytes. */
export class Sizes {
  readonly #first: readonly number[];
  readonly #peaks: number[] = [];
  #sorted: readonly number[];

  /**
   * @param first of one job, from the history or the job model
   * @param largest of a heavy job
   */
  constructor(first: number, largest = 0) {
    this.#first = [first * TUNED.firstLow, first, Math.max(largest, first * TUNED.firstHigh)];
    this.#sorted = this.#first;
  }

  /** A job ended that had at most this much. */
  add(peak: number): void {
    if (!(peak > 0)) return;
    this.#peaks.push(peak);
    if (this.#peaks.length > TUNED.peaksKept) this.#peaks.shift();
    const first = this.#peaks.length > TUNED.firstUntil ? [] : this.#first;
    const recent = this.#peaks.slice(-TUNED.recent);
    const again = Array.from({ length: TUNED.recentTimes }, () => recent).flat();
    this.#sorted = [...first, ...this.#peaks, ...again].sort((a, b) => a - b);
  }

  /** The median. */
  get expected(): number {
    return this.#sorted[Math.floor(this.#sorted.length / 2)] ?? 0;
  }

  /** The largest seen, or thought of. */
  get most(): number {
    const seen = this.#sorted.at(-1) ?? 0;
    // The largest of a few says little about the largest of all.
    return this.#peaks.length < TUNED.mostUntil ? Math.max(seen, this.#first[2] ?? 0) : seen;
  }

  /** What the next job needs. */
  get next(): Guess {
    return guess(this.#sorted);
  }

  /**
   * What a growing job with this much takes yet: what those before it took that got so far.
   * @param larger running jobs that are larger than all before
   * @param strangers how many of them are so much larger that they must be of another kind
   */
  growth(memory: number, larger: readonly number[], strangers: number): Guess {
    const above = [...this.#sorted, ...larger].filter((size) => size > memory * 1.02);
    if (above.length > 0) {
      const { mean, variance } = guess(above);
      return { mean: mean - memory, variance };
    }
    const part = TUNED.lindy * memory;
    // Between what was seen and what was thought of first, or beyond both.
    const beyond = Math.max(memory / (this.#sorted.length + 1), Math.abs(memory - this.most));
    const mean = strangers >= TUNED.strangers ? part * strangers : Math.min(part, beyond);
    return { mean, variance: mean ** 2 };
  }
}

function guess(values: readonly number[]): Guess {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, variance: squares / values.length };
}
