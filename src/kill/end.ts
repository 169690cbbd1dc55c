import { setTimeout as sleep } from 'node:timers/promises';
import {
  CGROUP_ROOT,
  freeze,
  isPopulated,
  isWithin,
  killAtOnce,
  type Process,
  processesIn,
  readProcess,
  waitUntilEmpty,
} from '../cgroup/index.js';
import { type EndingSignal, signalProcess } from './signal.js';

/**
 * How a process ended: `signal`, asked to; `killed`, it had to be; `survived`; `spared`, rlimit
 * itself; `none`, it was a dry run.
 */
export type End = 'signal' | 'killed' | 'survived' | 'spared' | 'none';

/** One process and its end. */
export interface EndedProcess extends Process {
  end: End;
  /** Whether the kernel refused the signal: another user's process. */
  refused?: boolean;
}

export interface EndOptions {
  signal: EndingSignal;
  /** How long to wait for the signal to do, in milliseconds. */
  timeoutMs: number;
  root?: string;
  proc?: string;
  /** PID of rlimit itself, which is never signalled. */
  self?: number;
  /** kill(2); another one in tests. */
  kill?: (pid: number, signal: NodeJS.Signals) => unknown;
}

/** What is ended together: a cgroup, by its path, or processes without one, as they are found. */
export type Group = string | { pids(): number[] };

/**
 * Ends every process of a group: the signal to each, also to those born meanwhile; after the
 * timeout the kernel kills the whole cgroup in one step, which no fork outruns. Without a cgroup
 * all are stopped first.
 * @returns all processes that were seen, with how each ended
 */
export async function endCgroup(group: Group, options: EndOptions): Promise<EndedProcess[]> {
  const sweep = new Sweep(group, options);
  if (options.signal !== 'SIGKILL') await sweep.send(options.signal, options.timeoutMs);
  // Under SIGKILL as the first signal, nobody had another chance.
  const stubborn = options.signal === 'SIGKILL' ? [] : sweep.alive();
  await sweep.killAll();
  return sweep.report(stubborn);
}

/**
 * Ends some processes of a group and no others: the signal, and after the timeout SIGKILL.
 * @param isMeant tells which
 */
export async function endProcesses(
  group: Group,
  isMeant: (candidate: Process) => boolean,
  options: EndOptions,
): Promise<EndedProcess[]> {
  const sweep = new Sweep(group, options, isMeant);
  if (options.signal !== 'SIGKILL') await sweep.send(options.signal, options.timeoutMs);
  const stubborn = options.signal === 'SIGKILL' ? [] : sweep.alive();
  await sweep.send('SIGKILL', KILL_MS);
  return sweep.report(stubborn);
}

/** Lists what would be ended. */
export function listProcesses(
  group: Group,
  options: EndOptions,
  isMeant: (candidate: Process) => boolean = () => true,
): EndedProcess[] {
  return new Sweep(group, options, isMeant).report([], 'none');
}

/** How long SIGKILL may take: the kernel has to free what may be gigabytes. */
const KILL_MS = 10_000;
/** How often the cgroup is looked at meanwhile. */
const POLL_MS = 20;

/** The processes of a group as they come and go, and what was sent to each. */
class Sweep {
  /** Absent for processes without a cgroup of their own. */
  readonly #cgroup: string | undefined;
  readonly #pids: () => number[];
  readonly #root: string;
  readonly #proc: string;
  readonly #self: number;
  readonly #kill: (pid: number, signal: NodeJS.Signals) => unknown;
  readonly #isMeant: (candidate: Process) => boolean;
  /** Everything seen so far, by PID and time of start. */
  readonly #seen = new Map<string, Process>();
  readonly #refused = new Set<string>();

  constructor(
    group: Group,
    { root = CGROUP_ROOT, proc = '/proc', self = process.pid, kill = process.kill }: EndOptions,
    isMeant: (candidate: Process) => boolean = () => true,
  ) {
    this.#cgroup = typeof group === 'string' ? group : undefined;
    this.#pids = typeof group === 'string' ? () => processesIn(group, root) : group.pids;
    this.#root = root;
    this.#proc = proc;
    this.#self = self;
    this.#kill = kill;
    this.#isMeant = isMeant;
    this.alive();
  }

  /** Those of the group that are alive now and may be ended; they count as seen from now on. */
  alive(): Process[] {
    const found = this.#pids()
      .flatMap((pid) => readProcess(pid, this.#proc) ?? [])
      .filter((candidate) => this.#isMeant(candidate));
    for (const candidate of found) {
      // The first sight tells its memory best: one that is ending has given it back.
      const key = keyOf(candidate);
      if (!this.#seen.has(key)) this.#seen.set(key, candidate);
    }
    return found.filter(({ pid }) => pid !== this.#self);
  }

  /** Sends a signal to each, once, also to those that come meanwhile, until none is left. */
  async send(signal: EndingSignal, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    const done = new Set<string>();
    for (;;) {
      const targets = this.alive();
      if (targets.length === 0) return;
      for (const target of targets) {
        if (done.has(keyOf(target))) continue;
        done.add(keyOf(target));
        this.#signal(target, signal);
      }
      // Those that may not be signalled are not waited for.
      if (targets.every((target) => this.#refused.has(keyOf(target)))) return;
      if (performance.now() >= deadline) return;
      await sleep(POLL_MS);
    }
  }

  /** Kills the whole cgroup at once, where the kernel can and rlimit itself is not in it. */
  async killAll(): Promise<void> {
    if (this.#cgroup === undefined) return this.#killStopped();
    if (!isPopulated(this.#cgroup, this.#root)) return;
    const own = readProcess(this.#self, this.#proc)?.cgroup;
    if (own !== undefined && isWithin(own, this.#cgroup)) return this.send('SIGKILL', KILL_MS);
    if (!this.#killAtOnce(this.#cgroup)) return this.#killFrozen(this.#cgroup);
    await waitUntilEmpty(this.#cgroup, { timeoutMs: KILL_MS, root: this.#root });
  }

  report(stubborn: readonly Process[], otherwise: End = 'signal'): EndedProcess[] {
    const left = new Set(this.alive().map(keyOf));
    const late = new Set(stubborn.map(keyOf));
    return [...this.#seen].map(([key, process_]) => {
      const isSelf = process_.pid === this.#self;
      const wasKilled = late.has(key) ? 'killed' : otherwise;
      const end = isSelf
        ? 'spared'
        : left.has(key) && otherwise !== 'none'
          ? 'survived'
          : wasKilled;
      return { ...process_, end, ...(this.#refused.has(key) ? { refused: true } : {}) };
    });
  }

  #signal(target: Process, signal: EndingSignal): void {
    const within = this.#cgroup === undefined ? {} : { within: this.#cgroup };
    const place = { ...within, proc: this.#proc, kill: this.#kill };
    const sent = signalProcess(target, signal, place);
    if (sent === 'refused') this.#refused.add(keyOf(target));
    // A stopped process sees no signal but SIGKILL before it goes on.
    else if (sent === 'sent' && signal !== 'SIGKILL') signalProcess(target, 'SIGCONT', place);
  }

  /** Without a cgroup: what is stopped forks no more, so new ones run out. */
  async #killStopped(): Promise<void> {
    const stopped = new Set<string>();
    for (let sweep = 0; sweep < MOST_SWEEPS; sweep += 1) {
      const fresh = this.alive().filter((target) => !stopped.has(keyOf(target)));
      if (fresh.length === 0) break;
      for (const target of fresh) {
        stopped.add(keyOf(target));
        signalProcess(target, 'SIGSTOP', { proc: this.#proc, kill: this.#kill });
      }
    }
    await this.send('SIGKILL', KILL_MS);
  }

  /** False where the kernel has no cgroup.kill (before 5.14), or may not be told so by us. */
  #killAtOnce(cgroup: string): boolean {
    try {
      return killAtOnce(cgroup, this.#root);
    } catch (error) {
      if (isForbidden(error)) return false;
      throw error;
    }
  }

  /** Without cgroup.kill: stop everything first, so that nothing forks while it is killed. */
  async #killFrozen(cgroup: string): Promise<void> {
    try {
      freeze(cgroup, true, this.#root);
      await this.send('SIGKILL', 0);
      freeze(cgroup, false, this.#root);
    } catch (error) {
      if (!isForbidden(error)) throw error;
    }
    await this.send('SIGKILL', KILL_MS);
  }
}

/** So often new ones are looked for while all are stopped. */
const MOST_SWEEPS = 100;

function keyOf({ pid, startTicks }: Process): string {
  return `${pid} ${startTicks}`;
}

function isForbidden(error: unknown): boolean {
  return ['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '');
}
