import { type Member, readOwnMemory, readPageSize } from '../cgroup/index.js';
import { findJobs, type Job, type JobProcess } from './find.js';
import type { JobSource } from './source.js';
import { isBuildTool, jobNames } from './tools.js';

/** The jobs of a run at one moment. */
export interface JobLook {
  /** Milliseconds of whatever clock the looker was told the time by. */
  at: number;
  jobs: Job[];
  /** Anonymous memory of the whole run in bytes. */
  anon: number;
  /**
   * Keys of what was a job at the look before and turned out to be none: a shell that has started a
   * sub-make since. A job that is neither here nor in `jobs` any more has ended.
   */
  dissolved: string[];
}

export interface JobLookerOptions {
  source: JobSource;
  /** Names of programs that are jobs, besides compilers and what build tools start. */
  names?: Iterable<string>;
  proc?: string;
  pageSize?: number;
}

/** Of a process with less resident memory than this in bytes, all of it is taken for its own. */
const SMALL = 2 * 1024 ** 2;
/** One with less than this can have had no peak in between that is worth a look. */
const MIDDLE = 16 * 1024 ** 2;
/** A change of resident memory by this much in bytes, or by this part, is worth a look. */
const CHANGE = 512 * 1024;
const CHANGED_PART = 1 / 32;

/** What is known of a process from earlier looks. */
interface Known {
  member: Member;
  /** Anonymous memory, what was swapped out included, and that at its most since the look before. */
  memory: number;
  peak: number;
  /** VmHWM in bytes. */
  highWater: number;
}

/**
 * Looks at the jobs of a run, as often as somebody wants to know. /proc/PID/stat is read of each
 * process at each look; its memory only where that can have changed. A peak between two looks is
 * seen as well, by what the kernel keeps: most resident memory (VmHWM) less mapped files.
 */
export class JobLooker {
  readonly #source: JobSource;
  readonly #names: ReadonlySet<string>;
  readonly #proc: string;
  readonly #pageSize: number;
  #known = new Map<number, Known>();
  /** Key of each job of the last look → PID of its root. */
  #roots = new Map<string, number>();

  constructor({ source, names, proc = '/proc', pageSize }: JobLookerOptions) {
    this.#source = source;
    this.#names = jobNames(names);
    this.#proc = proc;
    this.#pageSize = pageSize ?? readPageSize(proc);
  }

  /** How many processes the last look was at. */
  get processes(): number {
    return this.#known.size;
  }

  /** @param at the time, on any clock in milliseconds that never goes back */
  look(at: number): JobLook {
    const before = this.#known;
    this.#known = new Map();
    const processes: JobProcess[] = [];
    const anon = this.#source.anon();
    let sum = 0;
    for (const member of this.#source.members()) {
      if ('ZX'.includes(member.state)) continue;
      const { memory, peak } = this.#remember(member, before.get(member.pid), anon === undefined);
      const { pid, ppid, comm, startTicks, state } = member;
      processes.push({ pid, ppid, comm, startTicks, memory, peak, frozen: state === 'T' });
      sum += memory;
    }
    const jobs = findJobs(processes, this.#names);
    return { at, jobs, anon: anon ?? sum, dissolved: this.#dissolved(jobs) };
  }

  /** Lets go of what is open. */
  close(): void {
    this.#source.close();
  }

  /** @param all whether build tools are to be measured as well; they are no jobs */
  #remember(member: Member, known: Known | undefined, all: boolean): Known {
    const same = isSameProgram(known?.member, member) ? known : undefined;
    const isMeasured = all || !isBuildTool(member.comm);
    const now = isMeasured
      ? this.#measure(member, same)
      : { member, memory: 0, peak: 0, highWater: 0 };
    this.#known.set(member.pid, now);
    return now;
  }

  #measure(member: Member, known: Known | undefined): Known {
    const resident = member.residentPages * this.#pageSize;
    if (known !== undefined && !this.#isWorthALook(member, known.member)) {
      return { ...known, peak: known.memory };
    }
    const { highWater = 0 } = known ?? {};
    // Of one that had more the rest may be in swap.
    if (resident < SMALL && (known?.memory ?? 0) < SMALL) {
      return { member, memory: resident, peak: resident, highWater };
    }
    const own = readOwnMemory(member.pid, this.#proc);
    // It has ended since its stat was read: what was known of it stands.
    if (own.highWater === 0) return { member, memory: 0, peak: 0, highWater, ...known };
    const memory = own.anon + own.swapped;
    const atHighWater = own.highWater - own.file - own.shmem;
    const peak = own.highWater > highWater ? Math.max(memory, atHighWater) : memory;
    return { member, memory, peak, highWater: own.highWater };
  }

  /** Against the member as it was when its memory was read, so that small steps add up. */
  #isWorthALook(now: Member, then: Member): boolean {
    if (now === then) return false;
    const pages = Math.abs(now.residentPages - then.residentPages);
    const least = Math.max(CHANGE, then.residentPages * this.#pageSize * CHANGED_PART);
    if (pages * this.#pageSize >= least) return true;
    const hasRun = now.ownTicks !== then.ownTicks;
    return hasRun && now.residentPages * this.#pageSize >= MIDDLE;
  }

  #dissolved(jobs: readonly Job[]): string[] {
    const before = this.#roots;
    this.#roots = new Map(jobs.map(({ key, root }) => [key, root]));
    const gone = [...before].filter(([key]) => !this.#roots.has(key));
    return gone.flatMap(([key, pid]) => {
      const member = this.#known.get(pid)?.member;
      return `${pid}:${member?.startTicks}` === key ? [key] : [];
    });
  }
}

/** exec() makes another program of a process, with memory of its own. */
function isSameProgram(known: Member | undefined, now: Member): boolean {
  return known?.startTicks === now.startTicks && known.comm === now.comm;
}
