/** Watches the processes of one run and holds it to its limits, where no kernel file does. */
import { readFileSync } from 'node:fs';
import { Family, type Member, USEC_PER_TICK } from '../../cgroup/index.js';
import type { WatchedLimits } from '../../inspect/watched.js';
import { kibibytes } from '../../machine/read.js';
import type { Figures } from '../../model/index.js';
import type { Culprit, Measured, Meter } from '../launcher.js';
import { type Action, type Candidate, decide, GRACE_MS, largest, type Seen } from './decide.js';
import { MemoryWatch } from './memory.js';
import { creditAfter, nextLookMs } from './pace.js';

/** Speeds at which memory and tasks are reckoned to grow at least, for each second. */
const LEAST_BYTES = 512 * 1024 * 1024;
const LEAST_TASKS = 200;
/** So often the run is looked through for new processes while it is ended. */
const MOST_SWEEPS = 100;
/** The machine's own memory is looked at more seldom. */
const MACHINE_EVERY_NS = 240_000_000n;
/** How long a process that was killed may take to go before it counts again. */
const DYING_NS = 3_000_000_000n;

export interface WatcherOptions {
  unit: string;
  pid: number;
  limits: WatchedLimits;
  proc?: string;
}

/**
 * Looks at the run by itself, as often as its growth makes it needed, and acts. It holds nothing up:
 * its timer does not keep rlimit alive.
 */
export class Watcher implements Meter {
  /** It looks by itself. */
  readonly isTight = false;
  readonly processes = {
    members: () => this.#members,
    look: () => {
      this.#members = this.#family.look();
      this.#countGone();
      return this.#members;
    },
  };
  readonly #family: Family;
  readonly #memory: MemoryWatch;
  readonly #limits: WatchedLimits;
  readonly #proc: string;
  readonly #figures: Required<Pick<Figures, 'anonPeak' | 'tasksPeak'>> = {
    anonPeak: 0,
    tasksPeak: 0,
  };
  #machineAt = -MACHINE_EVERY_NS;
  readonly #machine: { available?: number; total?: number } = {};
  readonly #cpuBefore: number;
  /** CPU time in ticks of processes that nobody in the run collected. */
  #orphanTicks = 0;
  #members: Member[] = [];
  #largest: Culprit | undefined;
  #enforced: Measured['enforced'];
  /** Processes that were killed one by one, and when. */
  readonly #killed = new Map<string, bigint>();
  #earlier: { property: Action['property']; at: bigint } | undefined;
  #last: { at: bigint; memory: number; tasks: number } | undefined;
  #credit: number | undefined;
  /** CPU time of this process at the end of the last look. */
  #cpuEnded: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** How long from the last look to the next. */
  #waitMs = 0;
  #ended = false;

  constructor({ unit, pid, limits, proc = '/proc' }: WatcherOptions) {
    this.#proc = proc;
    this.#limits = limits;
    this.#family = new Family({ unit, root: pid, proc });
    this.#memory = new MemoryWatch({
      proc,
      countSwap: limits.swap,
      ...(limits.memory === undefined ? {} : { limit: limits.memory }),
    });
    this.#cpuBefore = collectedTicks(proc);
  }

  /** Begins to look. */
  start(): this {
    this.#look();
    return this;
  }

  /** The watcher looks by itself; this helps where its own timer is late. */
  sample(): void {
    const at = this.#last?.at;
    if (at !== undefined && Number(process.hrtime.bigint() - at) / 1e6 < this.#waitMs) return;
    this.#look();
  }

  final(): Measured {
    this.#stop();
    this.#members = this.#family.look();
    this.#countGone();
    const left = this.#members.reduce((sum, each) => sum + each.ownTicks + each.childTicks, 0);
    const ticks = collectedTicks(this.#proc) - this.#cpuBefore + this.#orphanTicks + left;
    const { anonPeak, tasksPeak } = this.#figures;
    return {
      figures: {
        ...(anonPeak > 0 ? { anonPeak } : {}),
        ...(tasksPeak > 0 ? { tasksPeak } : {}),
        cpuUsec: ticks * USEC_PER_TICK,
      },
      events: {},
      ancestors: [],
      machine: { ...this.#machine },
      ...(this.#largest === undefined ? {} : { largest: this.#largest }),
      ...(this.#enforced === undefined ? {} : { enforced: this.#enforced }),
    };
  }

  /** Whether any process of the run is alive. */
  isPopulated(): boolean {
    this.#members = this.#family.look();
    this.#countGone();
    return this.#members.some(isAlive);
  }

  /**
   * Ends every process of the run. All are stopped first, until no new one shows: what is stopped
   * forks no more.
   */
  killAll(): void {
    const stopped = new Set<string>();
    for (let sweep = 0; sweep < MOST_SWEEPS; sweep += 1) {
      const fresh = this.#living().filter((member) => !stopped.has(keyOf(member)));
      if (fresh.length === 0) break;
      for (const member of fresh) {
        stopped.add(keyOf(member));
        this.#signal(member, 'SIGSTOP');
      }
    }
    for (const member of this.#living()) this.#signal(member, 'SIGKILL');
  }

  /** Lets go of what is open. */
  close(): void {
    this.#stop();
    this.#family.close();
  }

  #stop(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  #look(): void {
    clearTimeout(this.#timer);
    const begun = cpuMs();
    const seen = this.#see();
    const now = process.hrtime.bigint();
    this.#act(seen, now);
    const sinceMs = this.#last === undefined ? 1000 : Number(now - this.#last.at) / 1e6;
    this.#pay(begun, sinceMs);
    this.#wait(seen, now, sinceMs);
    this.#last = { at: now, memory: seen.memory, tasks: seen.tasks };
  }

  /**
   * What a look costs, and what comes with it: to wake up, to collect garbage. What rlimit does
   * besides (copying a log) is no reason to look less often.
   */
  #pay(begun: number, sinceMs: number): void {
    const ended = cpuMs();
    const look = ended - begun;
    const around = this.#cpuEnded === undefined ? 0 : begun - this.#cpuEnded;
    const costMs = look + Math.min(around, 2 * look);
    this.#credit = creditAfter(this.#credit, { sinceMs, costMs });
    this.#cpuEnded = ended;
  }

  #see(): Seen {
    this.#members = this.#family.look();
    this.#countGone();
    const { counted, own, close } = this.#memory.look(this.#members);
    const all = this.#members.filter(isAlive).map((member): Candidate => {
      const { pid, startTicks, comm, threads } = member;
      return { pid, startTicks, comm, threads, memory: own.get(pid) ?? 0 };
    });
    const { dying, processes } = this.#withoutDying(all);
    const tasks = this.#members.reduce((sum, { threads }) => sum + Math.max(threads, 1), 0);
    const most = largest(all);
    if (most !== undefined) this.#largest = culpritOf(most);
    if (close) this.#figures.anonPeak = Math.max(this.#figures.anonPeak, counted);
    this.#figures.tasksPeak = Math.max(this.#figures.tasksPeak, tasks);
    this.#seeMachine();
    return {
      memory: counted - dying.reduce((sum, { memory }) => sum + memory, 0),
      tasks: tasks - dying.reduce((sum, { threads }) => sum + threads, 0),
      processes,
    };
  }

  /**
   * What was killed takes its time to go, on a busy machine or with gigabytes to give back. It grows
   * no more, and the others must not be taken for its part.
   */
  #withoutDying(all: readonly Candidate[]): { dying: Candidate[]; processes: Candidate[] } {
    const now = process.hrtime.bigint();
    const isDying = (candidate: Candidate) => {
      const since = this.#killed.get(keyOf(candidate));
      return since !== undefined && now - since < DYING_NS;
    };
    return {
      dying: all.filter(isDying),
      processes: all.filter((candidate) => !isDying(candidate)),
    };
  }

  #act(seen: Seen, now: bigint): void {
    const earlier = this.#earlier && {
      property: this.#earlier.property,
      agoMs: Number(now - this.#earlier.at) / 1e6,
    };
    const action = decide(this.#limits, seen, earlier);
    if (action === undefined) return;
    const { property, limit, culprit } = action;
    this.#enforced ??= { property, limit, seen: action.seen, culprit: culpritOf(culprit) };
    this.#earlier = { property, at: now };
    if (action.kill === 'all') this.killAll();
    else for (const each of action.kill) this.#kill(each, now);
  }

  #kill(target: Candidate, now: bigint): void {
    this.#killed.set(keyOf(target), now);
    this.#signal(target, 'SIGKILL');
  }

  #wait(seen: Seen, now: bigint, sinceMs: number): void {
    if (this.#ended) return;
    const { memory, tasks } = this.#limits;
    const headrooms = [
      ...(memory === undefined
        ? []
        : [headroom(memory - seen.memory, seen.memory - (this.#last?.memory ?? 0), LEAST_BYTES)]),
      ...(tasks === undefined
        ? []
        : [headroom(tasks - seen.tasks, seen.tasks - (this.#last?.tasks ?? 0), LEAST_TASKS)]),
    ];
    const pace = nextLookMs(headrooms, { sinceMs, credit: this.#credit ?? 0 });
    const acted = this.#earlier?.at === now;
    this.#waitMs = acted ? GRACE_MS + 1 : pace;
    this.#timer = setTimeout(() => this.#look(), this.#waitMs);
    this.#timer.unref();
  }

  /**
   * A process that another of the run, or rlimit, collects is counted with that one's children (or
   * with ours, at the end). One that was left to somebody else is counted here, as last seen.
   */
  #countGone(): void {
    const gone = this.#family.takeGone();
    if (gone.length === 0) return;
    const pids = new Set([...this.#members, ...gone].map(({ pid }) => pid).concat(process.pid));
    for (const { ppid, ownTicks, childTicks } of gone) {
      if (!pids.has(ppid)) this.#orphanTicks += ownTicks + childTicks;
    }
  }

  #seeMachine(): void {
    const now = process.hrtime.bigint();
    if (now - this.#machineAt < MACHINE_EVERY_NS) return;
    this.#machineAt = now;
    const text = readFileSync(`${this.#proc}/meminfo`, 'latin1');
    const available = kibibytes(text, 'MemAvailable');
    const total = kibibytes(text, 'MemTotal');
    if (total !== undefined) this.#machine.total = total;
    if (available === undefined) return;
    this.#machine.available = Math.min(available, this.#machine.available ?? available);
  }

  #living(): Member[] {
    this.#members = this.#family.look();
    this.#countGone();
    return this.#members.filter(isAlive);
  }

  /** A PID that another process has by now is left alone. */
  #signal(target: Pick<Member, 'pid' | 'startTicks'>, signal: NodeJS.Signals): void {
    if (target.pid === process.pid || !this.#family.isStill(target)) return;
    try {
      process.kill(target.pid, signal);
    } catch {
      // It has gone meanwhile, or runs as another user: the next look will tell.
    }
  }
}

/** CPU time that this process has used, in ms. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function headroom(left: number, grown: number, least: number) {
  return { left: Math.max(left, 0), grown: Math.max(grown, 0), least };
}

function isAlive({ state }: Member): boolean {
  return state !== 'Z' && state !== 'X';
}

function keyOf({ pid, startTicks }: Pick<Member, 'pid' | 'startTicks'>): string {
  return `${pid} ${startTicks}`;
}

function culpritOf({ comm, pid, memory }: Candidate): Culprit {
  return { comm, pid, memory };
}

/** CPU time of children that rlimit has collected, with all that those had collected: exact. */
function collectedTicks(proc: string): number {
  const stat = readFileSync(`${proc}/self/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // cutime and cstime are fields 16 and 17 of proc(5); the first here is number 3.
  return Number(fields[13]) + Number(fields[14]);
}
