import type { Decision, Look, SeenJob } from './look.js';
import { Sizes } from './sizes.js';

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

/** Above this part of the limit the youngest job is frozen; below the other one is let go on. */
const FREEZE_AT = 0.84;
const THAW_AT = 0.76;
/** A machine with less than this part of its memory left is as full as a scope at its limit. */
const MACHINE_PART = 0.95;

/**
 * Decides how many tokens may be out, and which jobs have to wait stopped. No clock and no files:
 * the same looks make the same decisions.
 */
export class Policy {
  readonly #options: PolicyOptions;
  readonly #sizes: Sizes;

  constructor(options: PolicyOptions) {
    this.#options = options;
    this.#sizes = new Sizes(options.expected);
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
    const plain = { freeze: [], thaw: [], lost: 0, surplus: 0, beyond: 0, againMs: 250 };
    if (ceiling === Number.POSITIVE_INFINITY) return { ...plain, tokens: cap, why: 'no limit' };
    const running = look.jobs.filter(({ frozen }) => !frozen);
    const frozen = look.jobs.filter((job) => job.frozen);
    const growth = look.jobs.reduce((sum, { memory }) => sum + this.#sizes.growth(memory), 0);
    const room = ceiling * FREEZE_AT - look.used - growth;
    const more = Math.floor(room / Math.max(1, this.expected));
    const slots = Math.max(1, look.jobs.length + more);
    const { freeze, thaw } = danger(look.used / ceiling, running, frozen);
    const tokens = Math.min(cap, slots - 1);
    return { ...plain, freeze, thaw, tokens, why: `room for ${slots} jobs` };
  }
}

function memoryCeiling({ limit, used, available }: Look): number {
  const own = limit === 'infinity' ? Number.POSITIVE_INFINITY : limit;
  return available === undefined ? own : Math.min(own, (used + available) * MACHINE_PART);
}

function danger(part: number, running: SeenJob[], frozen: SeenJob[]) {
  const byAge = (a: SeenJob, b: SeenJob) => a.ageMs - b.ageMs;
  const youngest = running.sort(byAge)[0];
  const oldest = frozen.sort(byAge).at(-1);
  const thaw = oldest && (running.length === 0 || part < THAW_AT) ? [oldest.key] : [];
  const freeze = youngest && running.length > 1 && part > FREEZE_AT ? [youngest.key] : [];
  return { freeze, thaw };
}
