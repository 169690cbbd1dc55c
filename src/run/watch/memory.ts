/**
 * The memory of a run without a cgroup. No cheap figure is right: resident pages count what is
 * shared for each process, and mapped files, which the kernel can take back. So it goes up in three
 * steps, each dearer and closer than the one before, and only as far as the limit makes it needed.
 */
import {
  kibibytes,
  type Member,
  readOwnMemory,
  readPageSize,
  readProcText,
} from '../../cgroup/index.js';

/** What one look found. */
export interface MemorySight {
  /** Bytes that count against the limit; never less than there are. */
  counted: number;
  /** Bytes of each process. */
  own: ReadonlyMap<number, number>;
  /** Whether it was looked at closely: without mapped files. */
  close: boolean;
}

/** From this part of the limit on the cheapest figure is not enough. */
const NEAR = 0.8;
/** So few processes are looked at closely at every look; more of them once a second. */
const FEW = 32;
const CLOSE_EVERY_NS = 1_000_000_000n;
/** Part of a CPU that walking page tables may take, while it is that which decides. */
const WALK_SHARE = 0.015;

export interface MemoryWatchOptions {
  /** Bytes; absent where only figures are wanted. */
  limit?: number;
  /** Whether what was swapped out counts as well. */
  countSwap?: boolean;
  proc?: string;
  pageSize?: number;
  /** Monotonic time in ns. */
  now?: () => bigint;
}

export class MemoryWatch {
  readonly #options: MemoryWatchOptions;
  readonly #proc: string;
  readonly #pageSize: number;
  readonly #now: () => bigint;
  /** What was read of a process when it had so many resident pages. */
  #known = new Map<number, { startTicks: number; pages: number; bytes: number }>();
  #closeAt = 0n;
  /** What the last walk found to be counted twice. */
  #shared = 0;
  #walkedAt = 0n;
  #walkCostNs = 0n;

  constructor(options: MemoryWatchOptions = {}) {
    this.#options = options;
    this.#proc = options.proc ?? '/proc';
    this.#pageSize = options.pageSize ?? readPageSize(this.#proc);
    this.#now = options.now ?? (() => process.hrtime.bigint());
  }

  look(members: readonly Member[]): MemorySight {
    const { limit = Number.POSITIVE_INFINITY } = this.#options;
    const resident = new Map<number, number>();
    let sum = 0;
    for (const { pid, residentPages, state } of members) {
      const bytes = state === 'Z' ? 0 : residentPages * this.#pageSize;
      resident.set(pid, bytes);
      sum += bytes;
    }
    const near = sum > limit * NEAR;
    const due = members.length <= FEW || this.#now() - this.#closeAt >= CLOSE_EVERY_NS;
    if (!near && !due) return { counted: sum, own: resident, close: false };
    return this.#closely(members, { limit, near });
  }

  /** Without mapped files, and with what is in swap. */
  #closely(
    members: readonly Member[],
    { limit, near }: { limit: number; near: boolean },
  ): MemorySight {
    this.#closeAt = this.#now();
    const before = this.#known;
    this.#known = new Map();
    const own = new Map<number, number>();
    let sum = 0;
    let most = 0;
    for (const { pid, startTicks, residentPages: pages, state } of members) {
      if (state === 'Z') continue;
      const known = near ? undefined : before.get(pid);
      const same = known?.startTicks === startTicks && known.pages === pages;
      const bytes = same ? known.bytes : this.#read(pid);
      this.#known.set(pid, { startTicks, pages, bytes });
      own.set(pid, bytes);
      sum += bytes;
      most = Math.max(most, bytes);
    }
    // One process beyond the limit by itself shares nothing that would change that.
    if (sum <= limit || most > limit) return { counted: sum, own, close: true };
    if (this.#mayWalk()) this.#walk(own.keys(), sum);
    return { counted: sum - this.#shared, own, close: true };
  }

  #read(pid: number): number {
    const { anon, shmem, swapped } = readOwnMemory(pid, this.#proc);
    return anon + shmem + (this.#options.countSwap ? swapped : 0);
  }

  #mayWalk(): boolean {
    const restNs = Number(this.#walkCostNs) / WALK_SHARE;
    return Number(this.#now() - this.#walkedAt) >= restNs || this.#walkedAt === 0n;
  }

  /** Walks the page tables (smaps_rollup), where a shared page counts in parts. */
  #walk(pids: Iterable<number>, sum: number): void {
    const begun = this.#now();
    let exact = 0;
    for (const pid of pids) exact += readProportional(pid, this.#options.countSwap, this.#proc);
    this.#walkedAt = this.#now();
    this.#walkCostNs = this.#walkedAt - begun;
    this.#shared = Math.max(0, sum - exact);
  }
}

/** The same, with each shared page divided among those that share it. */
function readProportional(pid: number, countSwap: boolean | undefined, proc: string): number {
  const rollup = readProcText(`${proc}/${pid}/smaps_rollup`);
  // Pss_Anon is there since Linux 5.4; mapped files count before that.
  const parts = rollup.includes('Pss_Anon:')
    ? kibibytes(rollup, 'Pss_Anon') + kibibytes(rollup, 'Pss_Shmem')
    : kibibytes(rollup, 'Pss');
  if (rollup === '') {
    const { anon, shmem } = readOwnMemory(pid, proc);
    return anon + shmem;
  }
  return parts + (countSwap ? kibibytes(rollup, 'SwapPss') : 0);
}
