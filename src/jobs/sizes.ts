/** Sizes between these are told apart so finely: a bucket is 4.4 % wide, its middle 2.2 % off. */
const FINE = 16;
/** Buckets that are shown: four double the size. */
const COARSE = 4;
/** Smaller sizes in bytes are shown as one: nobody plans by them. */
const LEAST_SHOWN = 1024 ** 2;
/** The last bucket that is shown holds all that is larger. */
const MOST_SHOWN = 1024 ** 4;

/** Counts sizes in bytes in bounded memory, however many there are. */
export class Sizes {
  readonly #counts = new Map<number, number>();
  #count = 0;
  #least = Number.POSITIVE_INFINITY;
  #most = 0;

  get count(): number {
    return this.#count;
  }

  /** The largest, exactly. */
  get most(): number {
    return this.#most;
  }

  /** @param bytes 0 and less are counted as 1 */
  add(bytes: number): void {
    const size = Math.max(1, bytes);
    const index = Math.floor(Math.log2(size) * FINE);
    this.#counts.set(index, (this.#counts.get(index) ?? 0) + 1);
    this.#count += 1;
    this.#least = Math.min(this.#least, size);
    this.#most = Math.max(this.#most, size);
  }

  copy(): Sizes {
    const copy = new Sizes();
    for (const [index, count] of this.#counts) copy.#counts.set(index, count);
    copy.#count = this.#count;
    copy.#least = this.#least;
    copy.#most = this.#most;
    return copy;
  }

  /**
   * The size that a part of all does not exceed, within 2.3 %.
   * @param part 0 to 1
   */
  quantile(part: number): number {
    const rank = Math.max(1, Math.ceil(part * this.#count));
    let passed = 0;
    for (const [index, count] of this.#sorted()) {
      passed += count;
      if (passed < rank) continue;
      const middle = 2 ** ((index + 0.5) / FINE);
      return Math.round(Math.min(this.#most, Math.max(this.#least, middle)));
    }
    return this.#most;
  }

  /** Lower bound of each bucket that is not empty, in bytes, and how many are in it; rising. */
  histogram(): [bytes: number, count: number][] {
    const shown = new Map<number, number>();
    for (const [index, count] of this.#sorted()) {
      const bound = lowerBound(index);
      shown.set(bound, (shown.get(bound) ?? 0) + count);
    }
    return [...shown];
  }

  #sorted(): [number, number][] {
    return [...this.#counts].sort(([a], [b]) => a - b);
  }
}

function lowerBound(index: number): number {
  const bytes = Math.round(2 ** (Math.floor(index / (FINE / COARSE)) / COARSE));
  return bytes < LEAST_SHOWN ? 0 : Math.min(bytes, MOST_SHOWN);
}
