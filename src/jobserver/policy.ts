import { Balance } from './balance.js';
import type { Style } from './clients.js';
import { TUNED } from './constants.js';
import { type Turn, takeTurns, toKill } from './danger.js';
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
  style: Style;
  onDanger: 'freeze' | 'kill';
  /** One job may hold several tokens; see `Clients.manyTokens`. */
  manyTokens?: boolean;
}

/**
 * Decides how many tokens may be out, and which jobs have to wait stopped. No clock and no files:
 * the same looks make the same decisions.
 */
export class Policy {
  readonly #options: PolicyOptions;
  readonly #sizes: Sizes;
  readonly #tracks: Tracks;
  readonly #balance: Balance;
  #askedMs = 0;

  constructor(options: PolicyOptions) {
    this.#options = options;
    this.#sizes = new Sizes(options.expected, options.largest);
    this.#tracks = new Tracks(options.expected);
    this.#balance = new Balance(options.manyTokens ?? false);
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
    const balance = this.#balance.see(look);
    const ceiling = memoryCeiling(look);
    if (ceiling === Number.POSITIVE_INFINITY) {
      const thaw = look.jobs.filter(({ frozen }) => frozen).map(({ key }) => key);
      const againMs = TUNED.lookMostMs;
      return { ...balance, tokens: cap, freeze: [], thaw, againMs };
    }
    this.#tracks.see(look, this.#askedMs, this.expected);
    const view = outlook(look, ceiling, this.#sizes, this.#tracks, this.#options.style);
    const turn = takeTurns(view);
    const count = slots(view, this.#sizes, this.#most(look, turn, cap));
    const kill = this.#options.onDanger === 'kill' ? toKill(view, turn) : undefined;
    const tooLarge = view.jobs.find(({ memory }) => memory > ceiling * TUNED.tooLargeAt);
    this.#askedMs = this.#again(view, count, cap);
    return {
      ...balance,
      tokens: count - 1,
      freeze: turn.freeze.map(({ key }) => key),
      thaw: turn.thaw.map(({ key }) => key),
      ...(kill && { kill: kill.key }),
      ...(tooLarge && { tooLarge: { key: tooLarge.key, memory: tooLarge.memory } }),
      againMs: this.#askedMs,
    };
  }

  /** The most jobs there may be, whatever the estimates say. */
  #most({ jobs, pressure = 0 }: Look, { freeze }: Turn, cap: number): number {
    // Whoever is frozen goes on before another one starts.
    const frozen = freeze.length > 0 || jobs.some((job) => job.frozen);
    if (pressure >= TUNED.pressureBack) return Math.min(cap + 1, Math.max(1, jobs.length - 1));
    if (frozen || pressure >= TUNED.pressureHold)
      return Math.min(cap + 1, Math.max(1, jobs.length));
    return cap + 1;
  }

  /** Looks are close where memory could come near the ceiling soon. */
  #again({ jobs, used, ceiling }: Outlook, count: number, cap: number): number {
    // While memory holds tokens back, each look may give one.
    const most = count - 1 < cap ? TUNED.lookHeldMs : TUNED.lookMostMs;
    const rate = this.#tracks.fastest * Math.max(1, Math.min(count, jobs.length + 1));
    const time = ((ceiling * TUNED.freezeAt - used) / Math.max(rate, 1)) * TUNED.lookPart;
    const early = time - this.#tracks.lateMs;
    return Math.round(Math.max(TUNED.lookLeastMs, Math.min(most, early)));
  }
}
