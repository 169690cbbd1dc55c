import { constants } from 'node:os';
import { isWithin, type Process, readProcess } from '../cgroup/index.js';
import { UsageError } from '../errors/index.js';

/** The signals that ask a process to end, or make it. Others would leave it running. */
const ENDING = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGABRT', 'SIGKILL'] as const;
export type EndingSignal = (typeof ENDING)[number];

/**
 * Reads a signal as kill(1) takes it: `TERM`, `SIGTERM`, `term`, `15`.
 * @throws {UsageError} for other signals: they would not end anything
 */
export function parseSignal(text: string): EndingSignal {
  const upper = text.toUpperCase();
  const found = ENDING.find(
    (signal) =>
      signal === upper || signal === `SIG${upper}` || String(constants.signals[signal]) === text,
  );
  if (found) return found;
  throw new UsageError(`${JSON.stringify(text)} is not a signal that ends processes`, {
    why: `These are: ${ENDING.map((signal) => signal.slice(3)).join(', ')}.`,
    remedy: 'for another one: systemctl --user kill --signal=USR1 UNIT',
  });
}

/** What came of a signal: `sent`, `gone` before it could be, or `refused` by the kernel. */
export type Sent = 'sent' | 'gone' | 'refused';

/**
 * Signals exactly that process: a PID that another process has by now, or one that left the
 * cgroup, is left alone. Between the look and the signal lie some microseconds, in which the
 * kernel would have to go through all PIDs for it to be another's.
 */
export function signalProcess(
  process_: Process,
  signal: NodeJS.Signals,
  { within, proc = '/proc', kill = process.kill }: SignalOptions,
): Sent {
  if (!isStill(process_, { proc, ...(within === undefined ? {} : { within }) })) return 'gone';
  try {
    kill(process_.pid, signal);
    return 'sent';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPERM') return 'refused';
    return 'gone';
  }
}

export interface SignalOptions {
  /** The cgroup it must be in; absent where it has none of its own. */
  within?: string;
  proc?: string;
  kill?: (pid: number, signal: NodeJS.Signals) => unknown;
}

/** Tells whether a process is alive, the same as when it was read, and in that cgroup still. */
export function isStill(
  { pid, startTicks }: Process,
  { within, proc = '/proc' }: { within?: string; proc?: string },
): boolean {
  const now = readProcess(pid, proc);
  if (now === undefined || now.startTicks !== startTicks) return false;
  return within === undefined || isWithin(now.cgroup, within);
}
