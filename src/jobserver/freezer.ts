import { type Guard, readStart, sendSignal } from '../cgroup/index.js';
import { monotonicMs } from '../machine/clock.js';

/** A process, known for ever. */
interface Member {
  pid: number;
  startTicks: number;
}

interface Frozen {
  members: Map<number, Member>;
  sinceMs: number;
}

export interface FreezerOptions {
  /** PIDs of the processes that a job has at this moment, the root first. */
  membersOf(key: string): readonly number[];
  /** Started when the first job is frozen. */
  startGuard(): Guard;
  proc?: string;
  /** kill(2); another one in tests. */
  kill?: (pid: number, signal: NodeJS.Signals) => unknown;
  /** Milliseconds of a clock that nobody sets. */
  now?: () => number;
}

/** As often new children of a job are looked for while it is being stopped. */
const MOST_PASSES = 5;

/**
 * Stops single jobs, and lets them go on. Those that somebody else has stopped stay so; and whatever
 * becomes of rlimit, what it stopped goes on.
 */
export class Freezer {
  readonly #options: Required<FreezerOptions>;
  readonly #frozen = new Map<string, Frozen>();
  #guard: Guard | undefined;
  #count = 0;
  #frozenMs = 0;

  constructor(options: FreezerOptions) {
    this.#options = { proc: '/proc', kill: process.kill, now: monotonicMs, ...options };
  }

  /** How often a job was frozen. */
  get count(): number {
    return this.#count;
  }

  /** For how long jobs stood still, all together, in milliseconds. */
  get frozenMs(): number {
    const now = this.#options.now();
    return [...this.#frozen.values()].reduce(
      (sum, { sinceMs }) => sum + now - sinceMs,
      this.#frozenMs,
    );
  }

  isFrozen(key: string): boolean {
    return this.#frozen.has(key);
  }

  /**
   * Stops all processes of a job. What is stopped forks no more, so that a second look finds those
   * that were born during the first.
   */
  freeze(key: string): void {
    const known = this.#frozen.get(key);
    const frozen = known ?? { members: new Map(), sinceMs: this.#options.now() };
    const told = new Set<number>();
    for (let pass = 0; pass < MOST_PASSES; pass += 1) {
      const fresh = this.#options.membersOf(key).filter((pid) => !told.has(pid));
      if (fresh.length === 0) break;
      for (const pid of fresh) {
        told.add(pid);
        this.#stop(pid, frozen);
      }
    }
    if (known !== undefined || frozen.members.size === 0) return;
    this.#frozen.set(key, frozen);
    this.#count += 1;
  }

  /** Lets a job go on, children before their parents. */
  thaw(key: string): void {
    const frozen = this.#frozen.get(key);
    if (frozen === undefined) return;
    this.#frozen.delete(key);
    this.#frozenMs += this.#options.now() - frozen.sinceMs;
    for (const member of [...frozen.members.values()].reverse()) this.#send(member, 'SIGCONT');
    if (this.#frozen.size === 0) this.#guard?.relax();
  }

  thawAll(): void {
    for (const key of [...this.#frozen.keys()]) this.thaw(key);
  }

  /**
   * Stops at once whatever was stopped before: `fg` continues every process of a shell's job, and near
   * the limit there is no time to look first who runs.
   */
  again(): void {
    for (const { members } of this.#frozen.values()) {
      for (const member of members.values()) this.#send(member, 'SIGSTOP');
    }
  }

  /**
   * Stops again what somebody else let go on, or what was born too late to be seen; and forgets jobs
   * that are gone.
   */
  hold(jobs: readonly { key: string; stopped: boolean }[]): void {
    const running = new Map(jobs.map(({ key, stopped }) => [key, !stopped]));
    for (const key of [...this.#frozen.keys()]) {
      const runs = running.get(key);
      if (runs === undefined) this.thaw(key);
      else if (runs) this.freeze(key);
    }
  }

  /** Kills all processes of a job. */
  killJob(key: string): void {
    this.freeze(key);
    const members = this.#frozen.get(key)?.members.values() ?? [];
    for (const member of members) this.#send(member, 'SIGKILL');
  }

  /** Lets all go on, for good. */
  close(): void {
    this.thawAll();
    this.#guard?.dismiss();
    this.#guard = undefined;
  }

  #stop(pid: number, { members }: Frozen): void {
    const start = readStart(pid, this.#options.proc);
    if (start === undefined || start.stopped) return;
    const member = { pid, startTicks: start.startTicks };
    if (!members.has(pid)) {
      this.#guard ??= this.#options.startGuard();
      this.#guard.watch(member);
    }
    if (this.#send(member, 'SIGSTOP')) members.set(pid, member);
  }

  /** A PID that another process has by now is left alone. */
  #send({ pid, startTicks }: Member, signal: NodeJS.Signals): boolean {
    if (readStart(pid, this.#options.proc)?.startTicks !== startTicks) return false;
    return sendSignal(pid, signal, this.#options.kill);
  }
}
