import { monotonicMs } from '../machine/clock.js';

/** What is looked at. */
export interface Sampled {
  sample(): void;
  /** Whether it is worth looking more often at the moment. */
  readonly isTight: boolean;
}

/** How often to look. */
export interface Pace {
  /** From the beginning to the first look, and at most from one to the next, in ms. */
  firstMs: number;
  mostMs: number;
  /** Part of a core that looking may cost in the long run, in CPU time. */
  share: number;
  /** CPU time in ms that it may cost besides, in all. */
  allowanceMs: number;
  /** It is looked at least this often, whatever it costs: a slow machine would see nothing else. */
  longestMs(): number;
  /** The same while it is tight. */
  tight?: { mostMs: number; allowanceMs: number };
  /** CPU time in ms that others have spent, who are paid from the same share. */
  othersMs?(): number;
}

/** Looks again and again, seldom enough that it costs next to nothing. */
export class Sampling {
  #timer: NodeJS.Timeout | undefined;
  readonly #sampled: Sampled;
  readonly #pace: Pace;
  readonly #begunMs = monotonicMs();
  #looks = 0;
  #costMs = 0;
  /** CPU time of this process at the end of the last look. */
  #endedMs: number | undefined;

  constructor(sampled: Sampled, pace = METER_PACE) {
    this.#sampled = sampled;
    this.#pace = pace;
    this.#schedule();
  }

  /** CPU time in ms that looking has cost so far. */
  get costMs(): number {
    return this.#costMs;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Often at first, since most runs are short. */
  #schedule(): void {
    const { firstMs, share, tight } = this.#pace;
    const { mostMs, allowanceMs } = (this.#sampled.isTight ? tight : undefined) ?? this.#pace;
    const wishedMs = Math.min(firstMs * 2 ** this.#looks, mostMs);
    const overdrawnMs = this.#costMs + (this.#pace.othersMs?.() ?? 0) - allowanceMs;
    const elapsedMs = monotonicMs() - this.#begunMs;
    const affordableMs = overdrawnMs / share - elapsedMs;
    const pauseMs = Math.max(wishedMs, Math.min(affordableMs, this.#pace.longestMs()));
    this.#timer = setTimeout(() => this.#look(), pauseMs);
  }

  /**
   * What a look costs, and what comes with it (to wake up, to compile, to collect garbage). What rlimit
   * does besides, as copying a log, is no reason to look less often.
   */
  #look(): void {
    const begunMs = cpuMs();
    this.#sampled.sample();
    const endedMs = cpuMs();
    const lookMs = endedMs - begunMs;
    this.#costMs += lookMs + Math.min(begunMs - (this.#endedMs ?? begunMs), lookMs);
    this.#endedMs = endedMs;
    this.#looks += 1;
    this.#schedule();
  }
}

/** CPU time that this process has used, in ms. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** For the figures of a run. What is left to half a percent is for those of its jobs (src/run/jobs.ts). */
const METER_PACE: Pace = {
  firstMs: 50,
  mostMs: 1000,
  share: 0.003,
  // As long as nothing is near.
  allowanceMs: 200,
  // It is far below half a percent of any but a very slow machine.
  longestMs: () => 4000,
  // Somebody may be killed.
  tight: { mostMs: 100, allowanceMs: 2000 },
};
