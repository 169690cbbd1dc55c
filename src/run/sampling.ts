import type { Meter } from './launcher.js';
import { monotonicMs } from './signals.js';

/** Looks at a run again and again, seldom enough that it costs next to nothing. */
export class Sampling {
  #timer: NodeJS.Timeout | undefined;
  readonly #meter: Meter;
  readonly #begunMs = monotonicMs();
  #looks = 0;
  #costMs = 0;

  constructor(meter: Meter) {
    this.#meter = meter;
    this.#schedule();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Often at first, since most runs are short. */
  #schedule(): void {
    const mostMs = this.#meter.isTight ? TIGHT_MS : MOST_APART_MS;
    const wishedMs = Math.min(FIRST_LOOK_MS * 2 ** this.#looks, mostMs);
    const overdrawnMs = this.#costMs - (this.#meter.isTight ? TIGHT_ALLOWANCE_MS : ALLOWANCE_MS);
    const elapsedMs = monotonicMs() - this.#begunMs;
    const affordableMs = overdrawnMs / COST - elapsedMs;
    const pauseMs = Math.max(wishedMs, Math.min(affordableMs, LONGEST_PAUSE_MS));
    this.#timer = setTimeout(() => this.#look(), pauseMs);
  }

  #look(): void {
    const before = process.cpuUsage();
    this.#meter.sample();
    const { user, system } = process.cpuUsage(before);
    this.#costMs += (user + system) / 1000;
    this.#looks += 1;
    this.#schedule();
  }
}

const FIRST_LOOK_MS = 50;
const MOST_APART_MS = 1000;
const TIGHT_MS = 100;
/** Part of a core that looking may cost in the long run; figures in ms are CPU time. */
const COST = 0.003;
/** What it may cost besides, in all, as long as nothing is near, and when somebody may be killed. */
const ALLOWANCE_MS = 200;
const TIGHT_ALLOWANCE_MS = 2000;
/** A slow machine looks at least this often; it is far below half a percent of any other. */
const LONGEST_PAUSE_MS = 4000;
