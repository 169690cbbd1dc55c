/** Which of the possible ends a run had. Pure: the kernel's counts decide before the exit status. */
import type { VerdictId } from '../model/index.js';
import type { Evidence } from './evidence.js';

/** Part of the time that all tasks waited for memory, from which on a run counts as stalled. */
const STALLED_PART = 0.5;
/** Part of the quota's periods that were throttled, from which on that is worth saying. */
const THROTTLED_PART = 0.5;
/** A shorter run has too few periods, and too little to gain. */
const THROTTLED_AFTER_MS = 2000;

/** How a run ended. Each question is asked only where those before it were answered with no. */
export function judge(evidence: Evidence): VerdictId {
  const { enforced } = evidence.measured;
  if (enforced !== undefined) {
    return enforced.property === 'TasksMax' ? 'tasks-max' : 'memory-max';
  }
  // What it was told by its guard, before it was done, is the proof of it.
  if (evidence.guard?.ended?.whole === true) return 'guard';
  return (
    killedForMemory(evidence) ??
    endedBySlurm(evidence) ??
    (isByGuard(evidence) ? 'guard' : undefined) ??
    (isStalled(evidence) ? 'stalled' : undefined) ??
    endedByOthers(evidence) ??
    (lacksTasks(evidence) ? 'tasks-max' : undefined) ??
    (hasFailed(evidence) ? 'failed' : undefined) ??
    (isThrottled(evidence) ? 'throttled' : 'finished')
  );
}

/**
 * Only a child may have been killed, so that the command's status says little or nothing: the
 * counts of the cgroup decide. `oom` counts in the cgroup whose limit was hit and in those above,
 * `oom_kill` where the victim was (Documentation/admin-guide/cgroup-v2.rst).
 */
function killedForMemory({ measured }: Evidence): VerdictId | undefined {
  const { events, ancestors } = measured;
  if (!events.oom_kill) return undefined;
  if (events.oom) return 'memory-max';
  return ancestors.length > 0 ? 'ancestor-memory-max' : 'machine-oom';
}

/**
 * What only Slurm knows. A signal of ours reaches the command through it as well, and it says CANCELLED
 * or FAILED then: so who sent what comes first.
 */
function endedBySlurm({ slurm, launcher, ending, received }: Evidence): VerdictId | undefined {
  if (launcher !== 'slurm' || ending.status === 0) return undefined;
  const state = slurm?.state ?? '';
  if (state === 'TIMEOUT' || state === 'DEADLINE') return 'time-limit';
  if (state === 'NODE_FAIL' || state === 'BOOT_FAIL') return 'node-failed';
  if (state === 'OUT_OF_MEMORY') return 'memory-max';
  if (received.length > 0) return 'user-signal';
  return state === 'CANCELLED' || state === 'PREEMPTED' || state === 'REVOKED'
    ? 'cancelled'
    : undefined;
}

function isStalled({ limits, elapsedMs, measured }: Evidence): boolean {
  const { memoryStallUsec = 0 } = measured.figures;
  const high = limits.MemoryHigh;
  return (
    high !== undefined &&
    high !== 'infinity' &&
    (measured.events.high ?? 0) > 0 &&
    memoryStallUsec >= elapsedMs * 1000 * STALLED_PART
  );
}

/** One of its processes was ended; what the user did besides says more. */
function isByGuard({ guard, killed, received }: Evidence): boolean {
  return guard?.ended !== undefined && killed === undefined && received.length === 0;
}

/** Signals that a program does not get from its own mistakes. */
const FROM_OUTSIDE = new Set(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGSTOP']);

/** Ends that come from outside. A shell and make turn a child's death by signal into a status. */
function endedByOthers(evidence: Evidence): VerdictId | undefined {
  const { ending, killed, received } = evidence;
  if (ending.status === 0) return undefined;
  if (killed !== undefined) return 'user-signal';
  if (isByOomd(evidence)) return 'systemd-oomd';
  if (isByEarlyoom(evidence)) return 'earlyoom';
  const signal = signalOf(ending);
  if (received.some((one) => signal === undefined || one.signal === signal)) return 'user-signal';
  return signal !== undefined && FROM_OUTSIDE.has(signal) ? 'foreign-signal' : undefined;
}

/** Part of the time under pressure, in percent, below which systemd-oomd is not suspected. */
const OOMD_PRESSURE_PERCENT = 5;
/** Its default SwapUsedLimit= is 90 % (oomd.conf(5)). */
const OOMD_SWAP_FREE_PART = 0.12;

/**
 * systemd's Result tells it, but not under OOMPolicy=continue; its log does, but not everybody may
 * read it. Without both: it runs, it kills with SIGKILL, and there was what it acts on.
 */
function isByOomd({ unitResult, oomd, ending, measured }: Evidence): boolean {
  if (unitResult === 'oom-kill' || oomd?.says !== undefined) return true;
  if (oomd === undefined || signalOf(ending) !== 'SIGKILL') return false;
  const { swapFree, swapTotal = 0 } = measured.machine;
  const swapIsFull = swapFree !== undefined && swapFree < swapTotal * OOMD_SWAP_FREE_PART;
  return swapIsFull || (measured.pressurePercent ?? 0) >= OOMD_PRESSURE_PERCENT;
}

/** Its own words are proof. Without them: it runs, memory was short, and it is its signal. */
function isByEarlyoom({ earlyoom, ending, measured }: Evidence): boolean {
  if (earlyoom?.says !== undefined) return true;
  const { available, total } = measured.machine;
  const signal = signalOf(ending);
  if (available === undefined || total === undefined || earlyoom === undefined) return false;
  // We look ten times a second then, and what grows fast is further on when it is hit.
  return (
    (signal === 'SIGTERM' || signal === 'SIGKILL') &&
    (available / total) * 100 <= earlyoom.termPercent * 2
  );
}

/** The signal, also where a shell reports it as 128 and its number. */
export function signalOf({ status, signal }: Evidence['ending']): string | undefined {
  if (signal !== undefined) return signal;
  return status === undefined ? undefined : BY_STATUS[status];
}

const BY_STATUS: Readonly<Record<number, string>> = {
  129: 'SIGHUP',
  130: 'SIGINT',
  131: 'SIGQUIT',
  137: 'SIGKILL',
  143: 'SIGTERM',
};

/** On older kernels the count is only seen in passing; a peak at the limit tells as well. */
function lacksTasks(evidence: Evidence): boolean {
  const { forksRefused = 0, tasksPeak } = evidence.measured.figures;
  if (forksRefused > 0) return true;
  const limit = Number(evidence.limits.TasksMax);
  return hasFailed(evidence) && tasksPeak !== undefined && tasksPeak >= limit;
}

function hasFailed({ ending }: Evidence): boolean {
  return ending.status !== 0;
}

function isThrottled({ elapsedMs, measured }: Evidence): boolean {
  return elapsedMs >= THROTTLED_AFTER_MS && (measured.figures.throttledPart ?? 0) >= THROTTLED_PART;
}
