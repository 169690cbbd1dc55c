/** Verdicts on CPU, tasks and IO. Pure. */
import type { Finding } from '../../model/index.js';
import { formatCpuList, formatCpuQuota, ONE_CORE } from '../../quantity/index.js';
import { conclude, notApplicable, notCarriedOut } from '../conclude.js';
import type { Judgement } from '../types.js';

/** A program that takes all CPU time it can get. */
export interface CpuSeen {
  /** CPUQuota in µs of CPU time per second. */
  quota: number;
  /** CPU time that its cgroup took, and the time that passed, in µs. */
  usedUsec: number;
  elapsedUsec: number;
  /** nr_throttled of cpu.stat. */
  throttled: number;
  findings: readonly Finding[];
}

/** How far CPU time may be from the quota. */
const CPU_TOLERANCE = 0.05;

export const EXPECTED_QUOTA = 'CPU time per time within 5% of the quota';

/** What was used per second, in µs. */
function cpuRate({ usedUsec, elapsedUsec }: Pick<CpuSeen, 'usedUsec' | 'elapsedUsec'>): number {
  return elapsedUsec > 0 ? (usedUsec / elapsedUsec) * ONE_CORE : 0;
}

/** Whether to measure on would not change the verdict: what is inert stays far off. */
export function isSettled(seen: Pick<CpuSeen, 'quota' | 'usedUsec' | 'elapsedUsec'>): boolean {
  return isNearQuota(seen) || cpuRate(seen) > 1.5 * seen.quota;
}

function isNearQuota(seen: Pick<CpuSeen, 'quota' | 'usedUsec' | 'elapsedUsec'>): boolean {
  return Math.abs(cpuRate(seen) - seen.quota) <= seen.quota * CPU_TOLERANCE;
}

/** CPU time stays at the quota. */
export function judgeQuota(seen: CpuSeen): Judgement {
  const rate = cpuRate(seen);
  const percent = ((rate / ONE_CORE) * 100).toFixed(1);
  const measured =
    `${percent}% of a CPU over ${(seen.elapsedUsec / ONE_CORE).toFixed(1)} s, ` +
    `quota ${formatCpuQuota(seen.quota)}, held back ${seen.throttled} times`;
  if (rate < seen.quota * (1 - CPU_TOLERANCE)) {
    const tighter = seen.findings.find(({ id }) => id === 'ancestor-tighter')?.cause;
    return notCarriedOut(
      `${measured}: ${tighter ?? 'the machine was too busy to give it its quota'}`,
    );
  }
  const holds = isNearQuota(seen) && seen.throttled > 0;
  return conclude('CPUQuota', {
    holds,
    expected: EXPECTED_QUOTA,
    measured,
    findings: seen.findings,
  });
}

/** A program that starts others until it is refused one. */
export interface ForksSeen {
  /** TasksMax. */
  limit: number;
  started: number;
  /** Name of the error that ended it; `none` where there was none. */
  error: string;
  /** `max` of pids.events, and pids.current (or pids.peak). */
  refusals: number;
  tasks?: number;
  findings: readonly Finding[];
}

export const EXPECTED_TASKS = 'fork fails with EAGAIN at TasksMax';

/** At TasksMax the kernel refuses to fork. */
export function judgeForks(seen: ForksSeen): Judgement {
  const { limit, started, error, refusals, tasks } = seen;
  const measured = [
    `${started} children`,
    error === 'none' ? 'then it ended by itself' : `then ${error}`,
    `pids.events max ${refusals}`,
    ...(tasks === undefined ? [] : [`${tasks} of ${limit} tasks`]),
  ].join(', ');
  const holds = error === 'EAGAIN' && refusals > 0 && (tasks === undefined || tasks <= limit);
  return conclude('TasksMax', {
    holds,
    expected: EXPECTED_TASKS,
    measured,
    findings: seen.findings,
  });
}

/** Where a process inside may run. */
export interface CpusSeen {
  /** CPUs of rlimit itself, those asked for, and Cpus_allowed_list of the process. */
  ours: readonly number[];
  wanted: readonly number[];
  allowed: readonly number[];
  findings: readonly Finding[];
}

export const EXPECTED_CPUS = 'Cpus_allowed_list is what AllowedCPUs says';

/** AllowedCPUs binds the processes inside. */
export function judgeCpus({ ours, wanted, allowed, findings }: CpusSeen): Judgement {
  if (ours.length < 2) return notApplicable('there is one CPU only');
  const measured = `Cpus_allowed_list ${formatCpuList(allowed)}, asked for ${formatCpuList(wanted)}`;
  const holds = formatCpuList(allowed) === formatCpuList(wanted);
  return conclude('AllowedCPUs', { holds, expected: EXPECTED_CPUS, measured, findings });
}

/** Whether somebody reads the weight. */
export interface WeightSeen {
  wanted: number;
  /** io.weight or io.bfq.weight, as the kernel holds it. */
  held?: string;
  /** Whether a device goes by weights; absent where that cannot be found out. */
  honoured?: boolean;
  findings: readonly Finding[];
}

export const EXPECTED_WEIGHT = 'io.weight holds it, and BFQ or io.cost reads it';

/** IOWeight is held, and a device goes by it. */
export function judgeWeight({ wanted, held, honoured, findings }: WeightSeen): Judgement {
  const reader =
    honoured === undefined
      ? 'who reads it cannot be found out'
      : `${honoured ? 'BFQ or io.cost reads it' : 'no device reads it'}`;
  const measured =
    held === undefined
      ? 'no io.weight in the cgroup'
      : `io.weight ${held.replaceAll('\n', ' ')} (asked for ${wanted}), ${reader}`;
  if (held !== undefined && honoured === undefined && findings.length === 0) {
    return notCarriedOut(measured);
  }
  const holds = held !== undefined && honoured === true;
  return conclude('IOWeight', { holds, expected: EXPECTED_WEIGHT, measured, findings });
}
