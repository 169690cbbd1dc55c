/** One threshold over time: pure, with the clock of the samples. */

/** How a value has to behave to count as over, and as back. */
export interface LevelSettings {
  threshold: number;
  /** So far below the threshold it must be to count as back. */
  margin: number;
  /** For so long it must be at or over the threshold, and for so long below threshold − margin. */
  forMs: number;
  endMs: number;
  /** After it was told, it is told again no earlier. */
  quietMs: number;
  /** Longer between two looks, and nobody knows what was in between: durations begin anew. */
  gapMs: number;
}

/** A value that crosses a threshold, told at most once per crossing and per quiet time. */
export class Level {
  #isOver = false;
  #overSince: number | undefined;
  #backSince: number | undefined;
  #toldAt: number | undefined;
  #lastAt: number | undefined;

  /** Whether it is over now, and was told. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether there is nothing to remember: forgetting it changes nothing. */
  isForgettable(atMs: number, quietMs: number): boolean {
    if (this.#isOver || this.#overSince !== undefined) return false;
    return this.#toldAt === undefined || atMs - this.#toldAt >= quietMs;
  }

  /**
   * Takes the next value.
   * @param value absent where it is unknown: then nothing is known to have changed
   * @param atMs on a clock that only goes forward; one that does not (a trace put together, another
   *   boot) restarts the durations
   */
  see(
    value: number | undefined,
    atMs: number,
    settings: LevelSettings,
  ): 'raised' | 'ended' | undefined {
    const { threshold, margin, forMs, endMs, quietMs, gapMs } = settings;
    this.#follow(atMs, gapMs);
    if (value === undefined) return undefined;
    this.#overSince = value >= threshold ? (this.#overSince ?? atMs) : undefined;
    this.#backSince = value < threshold - margin ? (this.#backSince ?? atMs) : undefined;
    if (this.#isOver) {
      if (this.#backSince === undefined || atMs - this.#backSince < endMs) return undefined;
      this.#isOver = false;
      return 'ended';
    }
    if (this.#overSince === undefined || atMs - this.#overSince < forMs) return undefined;
    if (this.#toldAt !== undefined && atMs - this.#toldAt < quietMs) return undefined;
    this.#isOver = true;
    this.#toldAt = atMs;
    return 'raised';
  }

  /** Ends it because there is nothing left to look at. */
  end(): void {
    this.#isOver = false;
    this.#overSince = undefined;
    this.#backSince = undefined;
  }

  #follow(atMs: number, gapMs: number): void {
    const passed = this.#lastAt === undefined ? 0 : atMs - this.#lastAt;
    this.#lastAt = atMs;
    if (passed >= 0 && passed <= gapMs) return;
    this.#overSince = undefined;
    this.#backSince = undefined;
    // What was told in the future of this clock was told now at the latest.
    if (this.#toldAt !== undefined) this.#toldAt = Math.min(this.#toldAt, atMs);
  }
}
