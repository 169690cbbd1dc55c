import { uptime } from 'node:os';
import type { Job, JobCensus, JobLook, JobLooker } from '../jobs/index.js';
import { monotonicMs } from '../machine/clock.js';
import type { Look } from './look.js';
import type { Room } from './memory.js';

/** What is to be seen of a run at one moment, as far as the jobserver does not know it itself. */
export interface Sight extends Room {
  jobs: (Omit<Look['jobs'][number], 'frozen'> & {
    /** Whether all its processes are stopped, by whomever. */
    stopped: boolean;
    /** Name of its largest process. */
    comm: string;
  })[];
  /** Peaks of anonymous memory of jobs that have ended since the last look, in bytes. */
  finished: readonly number[];
}

export interface RunSightOptions {
  looker: Pick<JobLooker, 'look'>;
  /** Where all looks are summed up. */
  census: Pick<JobCensus, 'add'>;
  /** The room there is, from the kernel's files; absent where none tells. */
  readRoom(): Room | undefined;
  /** The room in that case, but for what is used. */
  otherwise(): Omit<Room, 'used'>;
  /** Tokens that are out at this moment. */
  tokens(): number;
  /** Milliseconds of a clock that nobody sets. */
  now?: () => number;
  /** Milliseconds since boot: what the start of a process is counted from. */
  sinceBoot?: () => number;
}

/** The jobs of a run and its room, look by look. */
export class RunSight {
  readonly #options: Required<RunSightOptions>;
  /** Most memory so far of each job that has not ended. */
  #live = new Map<string, number>();
  #finished: number[] = [];

  constructor(options: RunSightOptions) {
    this.#options = { now: monotonicMs, sinceBoot: () => uptime() * 1000, ...options };
  }

  see(): Sight {
    const { readRoom, otherwise, sinceBoot } = this.#options;
    const look = this.#look();
    const nowMs = sinceBoot();
    const finished = this.#finished;
    this.#finished = [];
    return {
      ...(readRoom() ?? { ...otherwise(), used: look.anon }),
      jobs: look.jobs.map(({ key, comm, memory, startTicks, frozen }) => ({
        key,
        comm,
        memory,
        stopped: frozen,
        ageMs: Math.max(0, nowMs - startTicks * MS_PER_TICK),
      })),
      finished,
    };
  }

  /** PIDs of the processes that a job has at this moment, the root first. */
  membersOf(key: string): readonly number[] {
    return this.#look().jobs.find((job) => job.key === key)?.pids ?? [];
  }

  #look(): JobLook {
    const { looker, census, tokens, now } = this.#options;
    const look = looker.look(now());
    census.add(look, tokens());
    this.#follow(look.jobs, look.dissolved);
    return look;
  }

  #follow(jobs: readonly Job[], dissolved: readonly string[]): void {
    const before = this.#live;
    this.#live = new Map();
    for (const { key, peak } of jobs) {
      this.#live.set(key, Math.max(peak, before.get(key) ?? 0));
      before.delete(key);
    }
    for (const key of dissolved) before.delete(key);
    this.#finished.push(...before.values());
  }
}

/** USER_HZ: /proc counts time in hundredths of a second on every Linux there is (proc(5)). */
const MS_PER_TICK = 10;
