/** Jobs whose peaks are kept: enough for a steady middle, few enough to follow a build that changes. */
const KEPT = 64;
/** As many finished jobs as the first estimate is worth. */
const WEIGHT_OF_FIRST = 3;

/** What a job is expected to need, from a first estimate and from the jobs that ended. */
export class Sizes {
  readonly #first: number;
  readonly #peaks: number[] = [];

  /** @param first bytes of one job, from the history or the job model */
  constructor(first: number) {
    this.#first = first;
  }

  /** A job ended that had at most this many bytes of anonymous memory. */
  add(peak: number): void {
    if (!(peak > 0)) return;
    this.#peaks.push(peak);
    if (this.#peaks.length > KEPT) this.#peaks.shift();
  }

  /** Bytes that the next job is expected to need: the median. */
  get expected(): number {
    return middle([...this.#peaks, ...Array<number>(WEIGHT_OF_FIRST).fill(this.#first)]);
  }

  /** Bytes that a job which has this many now is expected to take yet. */
  growth(memory: number): number {
    return Math.max(0, this.expected - memory);
  }
}

function middle(values: number[]): number {
  const sorted = values.sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
