import { type Guard, sendSignal } from '../cgroup/index.js';
import { type Entry, keyOf, readEntry, standsStill } from './census.js';

export interface FreezerOptions {
  guard: Pick<Guard, 'watch' | 'dismiss'>;
  proc?: string;
  /** kill(2); another one in tests. */
  kill?: (pid: number, signal: NodeJS.Signals) => unknown;
  /** What to do with a signal that ends rlimit, once all processes go on. */
  beforeDeath?: () => void;
}

/** Signals that end rlimit: not before it has let everything go on. */
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/**
 * Stops processes for a moment, so that they do not fork while they are moved. Whatever happens,
 * those that it stopped go on, and those that were stopped before stay so.
 */
export class Freezer {
  readonly #stopped = new Map<string, Entry>();
  readonly #proc: string;
  readonly #kill: (pid: number, signal: NodeJS.Signals) => unknown;
  readonly #guard: FreezerOptions['guard'];
  readonly #beforeDeath: () => void;
  #since: number | undefined;
  #heldMs = 0;

  constructor({
    guard,
    proc = '/proc',
    kill = process.kill,
    beforeDeath = () => {},
  }: FreezerOptions) {
    this.#guard = guard;
    this.#proc = proc;
    this.#kill = kill;
    this.#beforeDeath = beforeDeath;
    for (const signal of ENDING) process.on(signal, this.#die);
    process.on('exit', this.release);
  }

  /** Stops a process that runs. One that has ended by now, or may not be signalled, is let be. */
  stop(entry: Entry): void {
    const key = keyOf(entry);
    const now = readEntry(entry.pid, this.#proc);
    if (this.#stopped.has(key) || now?.startTicks !== entry.startTicks) return;
    // Stopped by somebody else, or held by a debugger: it stays as it is.
    if ('Tt'.includes(now.state)) return;
    this.#guard.watch(entry);
    this.#since ??= performance.now();
    this.#stopped.set(key, entry);
    this.#send(entry, 'SIGSTOP');
  }

  /** Whether all that were stopped stand still by now: SIGSTOP takes effect a little later. */
  isStill(): boolean {
    return [...this.#stopped.values()].every(({ pid }) => standsStill(pid, this.#proc));
  }

  /** Lets all go on, children before their parents, and ends the watch. */
  end(): void {
    this.release();
    this.#guard.dismiss();
    for (const signal of ENDING) process.off(signal, this.#die);
    process.off('exit', this.release);
  }

  /** For how long processes stood still, in milliseconds. */
  get heldMs(): number {
    return this.#heldMs;
  }

  /** Lets all go on for now; more may be stopped later. */
  readonly release = (): void => {
    for (const entry of [...this.#stopped.values()].reverse()) {
      if (readEntry(entry.pid, this.#proc)?.startTicks === entry.startTicks) {
        this.#send(entry, 'SIGCONT');
      }
    }
    this.#stopped.clear();
    if (this.#since !== undefined) this.#heldMs += performance.now() - this.#since;
    this.#since = undefined;
  };

  readonly #die = (signal: NodeJS.Signals): void => {
    this.end();
    this.#beforeDeath();
    process.kill(process.pid, signal);
  };

  #send({ pid }: Entry, signal: NodeJS.Signals): void {
    sendSignal(pid, signal, this.#kill);
  }
}
