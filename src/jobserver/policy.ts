import { TUNED } from './constants.js';
import { takeTurns } from './danger.js';
import type { Decision, Look } from './look.js';
import { memoryCeiling, type Outlook, outlook } from './outlook.js';
import { slots } from './room.js';
import { Sizes } from './sizes.js';
import { Tracks } from './tracks.js';

export interface PolicyOptions {
  /** Most tokens out at one time: one less than the most jobs, for the tool's implicit slot. */
  cap: number;
  /** Bytes of one job, before any has been seen: from the history, else the job model. */
  expected: number;
  /** Bytes of a heavy job, where that is known. */
  largest?: number;
  /** How the clients reach their tokens; see clients.ts. */
  style: 'fifo' | 'pipe';
  onDanger: 'freeze' | 'kill';
}

/**
 * Decides how many tokens may be out, and which jobs have to wait stopped. No clock and no files:
 * the same looks make the same decisions.
 */
export class Policy {
  readonly #options: PolicyOptions;
  readonly #sizes: Sizes;
  readonly #tracks: Tracks;

  constructor(options: PolicyOptions) {
    this.#options = options;
    this.#sizes = new Sizes(options.expected, options.largest);
    this.#tracks = new Tracks(options.expected);
  }

  /** Bytes that the next job is expected to need. */
  get expected(): number {
    return this.#sizes.expected;
  }

  /** A job ended; its peak of anonymous memory, in bytes. */
  finished(peak: number): void {
    this.#sizes.add(peak);
  }

  decide(look: Look): Decision {
    const cap = Math.max(0, look.cap ?? this.#options.cap);
    const ceiling = memoryCeiling(look);
    this.#tracks.see(look);
    const plain = { lost: 0, surplus: 0, beyond: 0 };
    if (ceiling === Number.POSITIVE_INFINITY) {
      const frozen = look.jobs.filter((job) => job.frozen).map(({ key }) => key);
      return {
        ...plain,
        tokens: cap,
        freeze: [],
        thaw: frozen,
        againMs: TUNED.lookMostMs,
        why: 'no limit',
      };
    }
    const view = outlook(look, ceiling, this.#sizes, this.#tracks);
    const { freeze, thaw } = takeTurns(view);
    const still = look.jobs.some((job) => job.frozen) || freeze.length > 0;
    const most = still ? Math.min(cap + 1, look.jobs.length) : cap + 1;
    const count = slots(view, this.#sizes, most);
    return {
      ...plain,
      tokens: count - 1,
      freeze: freeze.map(({ key }) => key),
      thaw: thaw.map(({ key }) => key),
      againMs: this.#again(view, count),
      why: `room for ${count} jobs`,
    };
  }

  /** Looks are close where memory could come near the ceiling soon. */
  #again({ jobs, used, ceiling }: Outlook, count: number): number {
    const rate = this.#tracks.fastest * Math.max(1, Math.min(count, jobs.length + 1));
    const time = ((ceiling * TUNED.freezeAt - used) / Math.max(rate, 1)) * TUNED.lookPart;
    return Math.round(Math.max(TUNED.lookLeastMs, Math.min(TUNED.lookMostMs, time)));
  }
}
