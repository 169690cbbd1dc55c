import { TUNED } from './constants.js';
import type { Look, SeenJob } from './look.js';

interface Track {
  memory: number;
  seenMs: number;
  /** Time not frozen, in milliseconds. */
  awakeMs: number;
  /** Bytes a millisecond, between the last two looks. */
  rate: number;
  /** Memory at the last step up, in bytes, and the time awake since then. */
  mark: number;
  idleMs: number;
  /** Stands still, and grew again after it had stood still. */
  settled: boolean;
  regrew: boolean;
}

/** Closer looks than this say nothing about speed; in milliseconds. */
const TOO_CLOSE = 20;
/** Growth below this part of itself and these bytes is no step up. */
const STEP_PART = 0.03;
const STEP_BYTES = 2 ** 20;

/** Follows each job from look to look: how fast it grows, and whether it still does. */
export class Tracks {
  readonly #tracks = new Map<string, Track>();
  /** Jobs that ended after they had stood still, and those of them that had grown again. */
  #settled = TUNED.settledFirst;
  #regrew = TUNED.regrewFirst;
  /** Fastest growth of one job, bytes a millisecond. */
  #fastest: number;

  #seenMs: number | undefined;
  /** How much later than asked for looks are: a slow machine, or one that must not be kept busy. */
  #lateMs = 0;
  /** How long jobs are awake from their start to their end, of late. */
  #usualMs = 0;

  #expected: number;

  constructor(expected: number) {
    this.#expected = expected;
    this.#fastest = expected / TUNED.firstGrowthMs;
  }

  get fastest(): number {
    return this.#fastest;
  }

  /** From a look that sees danger to a job that stands still, in milliseconds. */
  get reactionMs(): number {
    return TUNED.reactionMs + this.#lateMs;
  }

  get lateMs(): number {
    return this.#lateMs;
  }

  /**
   * @param askedMs when this look was asked for, after the one before
   * @param expected bytes that a job is expected to need by now
   */
  see({ nowMs, jobs }: Look, askedMs: number, expected: number): void {
    this.#expected = expected;
    const late = Math.max(0, nowMs - (this.#seenMs ?? nowMs) - askedMs);
    this.#lateMs = Math.max(late, this.#lateMs * TUNED.latenessKept);
    this.#seenMs = nowMs;
    for (const job of jobs) this.#follow(job, nowMs);
    if (this.#tracks.size === jobs.length) return;
    const seen = new Set(jobs.map(({ key }) => key));
    for (const [key, track] of this.#tracks) if (!seen.has(key)) this.#forget(key, track);
  }

  /** How likely a job grows on: 1 for one that does, less for one that stands still. */
  likelihood({ key }: SeenJob): number {
    return this.#tracks.get(key)?.settled ? this.#regrew / this.#settled : 1;
  }

  /** Growth of a job, in bytes a millisecond; none for one that is frozen. */
  rate({ key, frozen }: SeenJob): number {
    return frozen ? 0 : (this.#tracks.get(key)?.rate ?? 0);
  }

  #follow({ key, memory, ageMs, frozen }: SeenJob, nowMs: number): void {
    const track = this.#tracks.get(key);
    if (!track) {
      const rate = memory / Math.max(TOO_CLOSE, ageMs);
      const fresh = { awakeMs: ageMs, mark: memory, idleMs: 0, settled: false, regrew: false };
      this.#tracks.set(key, { memory, seenMs: nowMs, rate, ...fresh });
      return;
    }
    const passed = nowMs - track.seenMs;
    if (passed < TOO_CLOSE) return;
    if (!frozen) {
      grow(track, memory, passed);
      if (track.idleMs > this.#stillMs(track) && this.#hasBegun(track)) track.settled = true;
    }
    this.#fastest = Math.max(this.#fastest, track.rate);
    track.memory = memory;
    track.seenMs = nowMs;
  }

  /** So long without a step up is more than the time a job takes to begin, or between two steps. */
  #stillMs({ awakeMs }: Track): number {
    const part = TUNED.settledPart * Math.max(awakeMs, this.#usualMs);
    return Math.max(TUNED.settledMs, part, this.#lateMs * TUNED.settledLooks);
  }

  /** One that has next to nothing is still being loaded, unless it has lived as long as others do. */
  #hasBegun({ memory, awakeMs }: Track): boolean {
    if (memory >= this.#expected * TUNED.newbornPart) return true;
    return this.#usualMs > 0 && awakeMs > this.#usualMs;
  }

  #forget(key: string, { settled, regrew, awakeMs }: Track): void {
    this.#tracks.delete(key);
    this.#usualMs = this.#usualMs === 0 ? awakeMs : this.#usualMs * 0.8 + awakeMs * 0.2;
    this.#fastest *= TUNED.fastestKept;
    if (settled || regrew) this.#settled += 1;
    if (regrew) this.#regrew += 1;
  }
}

function grow(track: Track, memory: number, passed: number): void {
  track.rate = Math.max(0, memory - track.memory) / passed;
  track.awakeMs += passed;
  track.idleMs += passed;
  if (memory > track.mark * (1 + STEP_PART) + STEP_BYTES) {
    if (track.settled) track.regrew = true;
    Object.assign(track, { settled: false, mark: memory, idleMs: 0 });
  }
}
