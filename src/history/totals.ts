import type { Outcome, VerdictId } from '../model/index.js';
import type { Run } from './runs.js';

/** What the runs of one profile, or all runs, add up to. */
export interface Totals {
  runs: number;
  /** Ended with status 0. */
  finished: number;
  /** Ended with another status, and not for lack of memory. */
  failed: number;
  /** Killed for lack of memory, whoever did it. */
  killedForMemory: number;
  /** Ended by a signal, and not for lack of memory. */
  stopped: number;
  /** Most memory of any of them in bytes, page cache included. */
  memoryPeak?: number;
  /** Of all of them, in milliseconds. */
  medianElapsedMs: number;
  /** CPU time of all together, in µs. */
  cpuUsec?: number;
}

/** The totals of a profile. */
export interface ProfileTotals extends Totals {
  profile: string;
}

/** How a run counts where its verdict decides that; where it does not, its status does. */
const COUNTED_AS: Record<VerdictId, 'killedForMemory' | 'failed' | undefined> = {
  finished: undefined,
  failed: undefined,
  'memory-max': 'killedForMemory',
  'ancestor-memory-max': 'killedForMemory',
  'machine-oom': 'killedForMemory',
  'systemd-oomd': 'killedForMemory',
  earlyoom: 'killedForMemory',
  guard: 'killedForMemory',
  'tasks-max': 'failed',
  'user-signal': undefined,
  'foreign-signal': undefined,
  throttled: undefined,
  stalled: undefined,
  'time-limit': 'failed',
  cancelled: undefined,
  'node-failed': 'failed',
};

/** Every verdict there is. */
export const VERDICTS = Object.keys(COUNTED_AS) as VerdictId[];

/** Sums runs up by profile, in the order of their names. */
export function totalsByProfile(runs: readonly Run[]): ProfileTotals[] {
  const groups = new Map<string, Run[]>();
  for (const run of runs) {
    const group = groups.get(run.profile);
    if (group === undefined) groups.set(run.profile, [run]);
    else group.push(run);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([profile, group]) => ({ profile, ...totalsOf(group) }));
}

/** Sums runs up. */
export function totalsOf(runs: readonly Run[]): Totals {
  const kinds = runs.map(countedAs);
  const count = (kind: string) => kinds.filter((each) => each === kind).length;
  const peaks = runs.flatMap(({ figures }) => figures.memoryPeak ?? []);
  const times = runs.flatMap(({ figures }) => figures.cpuUsec ?? []);
  return {
    runs: runs.length,
    finished: count('finished'),
    failed: count('failed'),
    killedForMemory: count('killedForMemory'),
    stopped: count('stopped'),
    ...(peaks.length === 0 ? {} : { memoryPeak: peaks.reduce((a, b) => Math.max(a, b)) }),
    medianElapsedMs: median(runs.map(({ elapsedMs }) => elapsedMs)),
    ...(times.length === 0 ? {} : { cpuUsec: times.reduce((a, b) => a + b) }),
  };
}

function countedAs({
  verdict,
  status,
}: Run): 'finished' | 'failed' | 'killedForMemory' | 'stopped' {
  const kind = Object.hasOwn(COUNTED_AS, verdict.id) ? COUNTED_AS[verdict.id] : undefined;
  if (kind !== undefined) return kind;
  if (status === undefined) return 'stopped';
  return status === 0 ? 'finished' : 'failed';
}

/** Whether memory was too little: the run was killed for it, or one of its processes. */
export function isKilledForMemory({ verdict, figures }: Outcome): boolean {
  const { id } = verdict;
  const kind = Object.hasOwn(COUNTED_AS, id) ? COUNTED_AS[id] : undefined;
  return kind === 'killedForMemory' || (figures.oomKills ?? 0) > 0;
}

/** Half-way between the two in the middle where the number is even. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? 0;
  const high = sorted[Math.floor(middle)] ?? 0;
  return Math.round((low + high) / 2);
}
