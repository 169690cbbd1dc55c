/** The one change to make after a run. Pure. */
import type { VerdictId } from '../model/index.js';
import { parseCpuQuota, plainBytes } from '../quantity/index.js';
import type { Evidence } from './evidence.js';

/** A change: fewer jobs, or another value of one property; `value` in systemd's syntax. */
export type Change =
  | { kind: 'jobs'; jobs: number }
  | { kind: 'property'; property: string; value: string };

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
/** More than this part of the machine's memory is not recommended to anybody. */
const MOST_OF_MACHINE = 0.8;

/** What to change after that end; absent where there is nothing to change. */
export function adviseChange(id: VerdictId, evidence: Evidence): Change | undefined {
  switch (id) {
    case 'memory-max':
      return moreMemory(evidence) ?? fewerJobs(evidence);
    case 'ancestor-memory-max':
    case 'systemd-oomd':
    case 'earlyoom':
    case 'machine-oom':
      return fewerJobs(evidence) ?? lessMemory(evidence);
    case 'guard':
      return afterGuard(evidence);
    case 'tasks-max':
      return moreTasks(evidence);
    case 'throttled':
      return moreCpu(evidence);
    case 'stalled':
      return NO_MEMORY_HIGH;
    default:
      return undefined;
  }
}

const NO_MEMORY_HIGH: Change = {
  kind: 'property',
  property: 'MemoryHigh',
  value: 'infinity',
};

function afterGuard(evidence: Evidence): Change | undefined {
  const reason = evidence.guard?.ended?.reason;
  if (reason === 'stall') return NO_MEMORY_HIGH;
  return reason === 'gpu' ? undefined : (fewerJobs(evidence) ?? lessMemory(evidence));
}

/** `-j8`, `-j 8`, `--jobs=8` of the command, or what the profile recommended to it. */
export function jobsOf({ command, jobs }: Evidence): number | undefined {
  for (const [at, word] of command.entries()) {
    const [, attached] = /^(?:-j|--jobs=)(\d+)$/.exec(word) ?? [];
    const apart = word === '-j' || word === '--jobs' ? command[at + 1] : undefined;
    const number = Number(attached ?? apart);
    if (number >= 1) return number;
  }
  return jobs;
}

function fewerJobs(evidence: Evidence): Change | undefined {
  const jobs = jobsOf(evidence) ?? 1;
  return jobs < 2 ? undefined : { kind: 'jobs', jobs: Math.floor(jobs / 2) };
}

/** Half as much again, where the machine has it. */
function moreMemory({ limits, measured }: Evidence): Change | undefined {
  const limit = bytesOf(limits.MemoryMax) ?? measured.enforced?.limit;
  if (limit === undefined) return undefined;
  const wanted = limit * 1.5;
  const { total } = measured.machine;
  if (total !== undefined && wanted > total * MOST_OF_MACHINE) return undefined;
  return { kind: 'property', property: 'MemoryMax', value: roundBytes(wanted) };
}

/** A limit of its own that ends the run before others have to: below what was there for it. */
function lessMemory({ limits, measured }: Evidence): Change | undefined {
  const { total } = measured.machine;
  const room = measured.ancestors[0]?.memoryMax;
  const limit = bytesOf(limits.MemoryMax) ?? Number.POSITIVE_INFINITY;
  const most = typeof room === 'number' ? room : total;
  if (most === undefined) return undefined;
  const wanted = Math.min(most * MOST_OF_MACHINE, limit / 2);
  return { kind: 'property', property: 'MemoryMax', value: roundBytes(wanted) };
}

function moreTasks({ limits, measured }: Evidence): Change | undefined {
  const limit = Number(limits.TasksMax ?? measured.enforced?.limit);
  if (!(limit > 0)) return undefined;
  return { kind: 'property', property: 'TasksMax', value: String(limit * 2) };
}

function moreCpu({ limits, cpus }: Evidence): Change | undefined {
  try {
    const cores = parseCpuQuota(limits.CPUQuota ?? '');
    if (typeof cores !== 'number') return undefined;
    // parseCpuQuota gives µs of CPU time a second.
    const most = cpus === undefined ? Number.POSITIVE_INFINITY : cpus * 100;
    const percent = Math.min(most, Math.ceil((cores / 10_000) * 1.5));
    if (percent * 10_000 <= cores) return undefined;
    return { kind: 'property', property: 'CPUQuota', value: `${percent}%` };
  } catch {
    return undefined;
  }
}

function bytesOf(text: string | undefined): number | undefined {
  const bytes = plainBytes(text ?? '');
  return typeof bytes === 'number' ? bytes : undefined;
}

function roundBytes(bytes: number): string {
  return bytes >= 10 * GIB ? `${Math.round(bytes / GIB)}G` : `${Math.ceil(bytes / MIB)}M`;
}
