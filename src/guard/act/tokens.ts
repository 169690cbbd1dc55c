import { rmSync } from 'node:fs';
import { CAP_FILE, type TokenCap } from '../../jobserver/cap.js';
import { writeWhole } from '../journal.js';
import { type Outcome, outcomeOf } from './outcome.js';

/** A cap that nobody renews ends by itself: the guard may have been killed. */
const HOLDS_MS = 15_000;
const RENEW_MS = 5000;

/** What the jobservers of runs are told. */
export class Tokens {
  readonly #directory: string;
  readonly #now: () => number;
  #most: number | undefined;
  #writtenMs = Number.NEGATIVE_INFINITY;

  constructor(directory: string, now: () => number) {
    this.#directory = directory;
    this.#now = now;
  }

  /** @param most the most tokens that any run may have out; undefined for as each likes */
  set(most: number | undefined): Outcome {
    this.#most = most;
    try {
      if (most === undefined) rmSync(`${this.#directory}/${CAP_FILE}`, { force: true });
      else this.#write(most);
      return 'done';
    } catch (error) {
      return outcomeOf(error);
    }
  }

  /** Keeps in force what is in force. */
  renew(): void {
    if (this.#most === undefined || this.#now() - this.#writtenMs < RENEW_MS) return;
    try {
      this.#write(this.#most);
    } catch {
      // A full file system: runs take their tokens again, and the next rung follows.
    }
  }

  #write(most: number): void {
    this.#writtenMs = this.#now();
    const cap: TokenCap = { most, untilMs: this.#writtenMs + HOLDS_MS };
    writeWhole(this.#directory, CAP_FILE, cap);
  }
}
