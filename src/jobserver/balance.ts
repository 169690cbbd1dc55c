import type { Look } from './look.js';

/** A difference counts when it was there in every look for so long, in milliseconds. */
const LASTING_MS = 10_000;

/** The least that a difference was over a time. */
class Lasting {
  #sinceMs: number | undefined;
  #least = 0;

  /** What was there all the time, once that is long enough; then it is counted anew. */
  see(nowMs: number, difference: number): number {
    if (difference <= 0) {
      this.#sinceMs = undefined;
      return 0;
    }
    if (this.#sinceMs === undefined) {
      this.#sinceMs = nowMs;
      this.#least = difference;
    }
    this.#least = Math.min(this.#least, difference);
    if (nowMs - this.#sinceMs < LASTING_MS) return 0;
    this.#sinceMs = undefined;
    return this.#least;
  }
}

/** Whether the tokens that are out and the jobs that run are as many as each other. */
export class Balance {
  readonly #manyTokens: boolean;
  readonly #lost = new Lasting();
  readonly #beyond = new Lasting();
  #beyondNow = 0;

  /** @param manyTokens a job may hold several: none is lost then, as far as can be seen */
  constructor(manyTokens: boolean) {
    this.#manyTokens = manyTokens;
  }

  see({ nowMs, jobs, tokensOut, demand }: Look): { lost: number; surplus: number; beyond: number } {
    // One runs on the implicit slot.
    const held = Math.max(0, jobs.length - 1);
    // While tokens wait unread nobody misses any.
    const missed = demand === 0 && !this.#manyTokens ? tokensOut - held : 0;
    const lost = this.#lost.see(nowMs, missed);
    const beyond = held - tokensOut;
    if (beyond <= 0) this.#beyondNow = 0;
    this.#beyondNow = Math.max(this.#beyondNow, this.#beyond.see(nowMs, beyond));
    // More waiting than was given, or more come back.
    const surplus = Math.max(0, -tokensOut, (demand ?? 0) - Math.max(0, tokensOut));
    return { lost, surplus, beyond: this.#beyondNow };
  }
}
