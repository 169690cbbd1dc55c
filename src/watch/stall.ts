/**
 * The livelock between memory.high and memory.max (see `livelock` in inspect/causes.ts) in samples.
 * Pure, without a clock of its own, and light: `run` may watch its own scope with it.
 */
import { hasPageCache } from '../inspect/stall.js';
import type { Amount } from '../model/index.js';
import { rates } from './rates.js';
import type { Sample } from './sample.js';

/** A unit that stands still. */
export interface Stall {
  /** Time of the first sample that shows it, on the clock of the samples. */
  sinceMs: number;
  /** Part of the time in which all tasks at once waited for memory, 0 to 1; absent without PSI. */
  part?: number;
  /** memory.high and memory.max in bytes. */
  high: number;
  max: Amount;
}

/** For how long it must have stood still. Seen: a stall is at its full strength within two seconds. */
const WINDOW_MS = 5900;

/**
 * From how much of the time on, with all tasks waiting for memory, it counts. Seen in the livelock:
 * 50 % (where one of two processes works on) to 100 %; with reclaim of page cache 6 % to 22 %; with
 * swap 10 % to 40 %.
 */
const STALLED_PART = 0.4;

/** Without PSI: a stalled hog was seen to take 1 % to 6 % of a core. */
const IDLE_CORES = 0.2;

/** Swap with less room than this is full: the kernel keeps some pages back. */
const NO_ROOM = 1024 * 1024;

/**
 * Tells whether the newest of some samples shows a stall, which takes at least two of them: over six
 * seconds and more it was above memory.high in each, with nothing to take back and no swap to go to;
 * memory.events `high` went on climbing, `max` and `oom_kill` did not; and its tasks waited.
 * @param samples of one cgroup, the oldest first
 */
export function stallIn(samples: readonly Sample[]): Stall | undefined {
  const now = samples.at(-1);
  const first = now && firstStuck(samples, now);
  if (!now || !first || now.atMs - first.atMs < WINDOW_MS) return undefined;
  const before = samples.findLast(({ atMs }) => now.atMs - atMs >= WINDOW_MS) ?? first;
  if (!((now.events.high ?? 0) > (before.events.high ?? 0))) return undefined;
  const { memoryStallPart: part, cores = 0 } = rates(before, now);
  if (part === undefined ? cores > IDLE_CORES : part < STALLED_PART) return undefined;
  const { memoryHigh, memoryMax = 'infinity' } = now.limits;
  return {
    sinceMs: first.atMs,
    ...(part === undefined ? {} : { part }),
    high: memoryHigh as number,
    max: memoryMax,
  };
}

/** Watches one cgroup for stalls, sample by sample. */
export class StallWatch {
  #samples: Sample[] = [];
  #stall: Stall | undefined;

  /**
   * Takes the next sample; at most three seconds apart they show a stall within 12 s.
   * @returns the stall that the cgroup is in
   */
  add(sample: Sample): Stall | undefined {
    this.#samples.push(sample);
    // One that is older than the window is kept, so that the window is full.
    const enough = this.#samples.findLastIndex(({ atMs }) => sample.atMs - atMs >= WINDOW_MS);
    if (enough > 0) this.#samples.splice(0, enough);
    const stall = stallIn(this.#samples);
    const sinceMs = this.#stall?.sinceMs;
    this.#stall = stall && { ...stall, sinceMs: sinceMs ?? stall.sinceMs };
    return this.#stall;
  }

  /** Forgets what was seen, as after the stall was broken. */
  reset(): void {
    this.#samples = [];
    this.#stall = undefined;
  }
}

/** Whether a unit with these limits can stall at all. */
export function canStall({ limits, swapRoom }: Sample): boolean {
  const { memoryHigh: high, memoryMax: max } = limits;
  if (typeof high !== 'number' || (typeof max === 'number' && max <= high)) return false;
  return swapRoom === undefined || (swapRoom !== 'infinity' && swapRoom < NO_ROOM);
}

/** The oldest sample since which each one is stuck, and no process was killed. */
function firstStuck(samples: readonly Sample[], now: Sample): Sample | undefined {
  let first: Sample | undefined;
  for (const sample of samples.toReversed()) {
    if (!isStuck(sample) || !isAlike(sample, now)) break;
    first = sample;
  }
  return first;
}

/** Above memory.high, and with nothing that the kernel could take back. */
function isStuck(sample: Sample): boolean {
  const { usage, limits, pageCache } = sample;
  if (!canStall(sample) || usage.memoryCurrent === undefined) return false;
  if (usage.memoryCurrent < (limits.memoryHigh as number)) return false;
  return pageCache === undefined || !hasPageCache(usage.memoryCurrent, pageCache);
}

function isAlike(sample: Sample, now: Sample): boolean {
  return (
    sample.events.max === now.events.max &&
    sample.events.oomKill === now.events.oomKill &&
    sample.limits.memoryHigh === now.limits.memoryHigh &&
    sample.limits.memoryMax === now.limits.memoryMax
  );
}
