import type { JobFigures, RunSeries } from '../model/index.js';
import { Course } from './course.js';
import type { Job } from './find.js';
import type { JobLook } from './look.js';
import { Sizes } from './sizes.js';

/** A job that has not ended. */
interface Live {
  /** Most memory so far in bytes, and the name of its largest process then. */
  peak: number;
  comm: string;
}

/** So many names are told of, and so many are counted: a process may call itself anything. */
const NAMES_TOLD = 8;
const NAMES_COUNTED = 256;

/** Sums up looks at the jobs of a run. What it keeps does not grow with their number. */
export class JobCensus {
  readonly #ended = new Sizes();
  readonly #names = new Map<string, number>();
  readonly #course = new Course();
  #live = new Map<string, Live>();
  #most = 0;
  /** Sums over the time in which there was a job: jobs × ms, and ms. */
  #jobMs = 0;
  #busyMs = 0;
  #last: { at: number; jobs: number } | undefined;
  #anonPeak = 0;

  /** Most anonymous memory of the run that a look found, in bytes. */
  get anonPeak(): number {
    return this.#anonPeak;
  }

  /**
   * Takes in one look; they must come in the order of their times.
   * @param tokens how many the jobserver has given out at this moment, where there is one
   */
  add(look: Pick<JobLook, 'at' | 'jobs' | 'anon' | 'dissolved'>, tokens?: number): void {
    const { at, jobs, anon } = look;
    this.#follow(jobs, look.dissolved);
    this.#most = Math.max(this.#most, jobs.length);
    this.#passTime(at, jobs.length);
    this.#anonPeak = Math.max(this.#anonPeak, anon);
    this.#course.add(at, { memory: anon, jobs: jobs.length, tokens });
  }

  /** What was seen so far, those that have not ended included; absent where there was no job. */
  figures(): JobFigures | undefined {
    const sizes = this.#ended.copy();
    const names = new Map(this.#names);
    for (const live of this.#live.values()) count(live, sizes, names);
    if (sizes.count === 0) return undefined;
    const mean = this.#busyMs > 0 ? this.#jobMs / this.#busyMs : this.#most;
    return {
      seen: sizes.count,
      memory: { median: sizes.quantile(0.5), p90: sizes.quantile(0.9), max: sizes.most },
      histogram: sizes.histogram(),
      concurrency: { most: this.#most, mean: Math.round(mean * 100) / 100 },
      names: Object.fromEntries([...names].sort(([, a], [, b]) => b - a).slice(0, NAMES_TOLD)),
    };
  }

  /** The course of the run from the first look on. */
  series(): RunSeries {
    return this.#course.series();
  }

  #follow(jobs: readonly Job[], dissolved: readonly string[]): void {
    const before = this.#live;
    this.#live = new Map();
    for (const { key, peak, comm } of jobs) {
      const known = before.get(key);
      this.#live.set(key, known !== undefined && known.peak >= peak ? known : { peak, comm });
      before.delete(key);
    }
    for (const key of dissolved) before.delete(key);
    for (const ended of before.values()) count(ended, this.#ended, this.#names);
  }

  #passTime(at: number, jobs: number): void {
    if (this.#last !== undefined && this.#last.jobs > 0) {
      const passedMs = Math.max(0, at - this.#last.at);
      this.#jobMs += this.#last.jobs * passedMs;
      this.#busyMs += passedMs;
    }
    this.#last = { at, jobs };
  }
}

/** One that had gone before its memory could be read was not seen. */
function count({ peak, comm }: Live, sizes: Sizes, names: Map<string, number>): void {
  if (peak <= 0) return;
  sizes.add(peak);
  if (names.has(comm) || names.size < NAMES_COUNTED) names.set(comm, (names.get(comm) ?? 0) + 1);
}
