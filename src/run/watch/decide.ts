/** What a watcher does about what it sees. Pure. */
import type { WatchedLimits } from '../../inspect/watched.js';

/** A process as a decision sees it. */
export interface Candidate {
  pid: number;
  startTicks: number;
  comm: string;
  /** Bytes of memory that are its own. */
  memory: number;
  threads: number;
}

/** What was seen at one look. */
export interface Seen {
  /** Bytes that count against the limit. */
  memory: number;
  tasks: number;
  processes: readonly Candidate[];
}

/** The limit that was acted for last, and how long ago. */
export interface Earlier {
  property: 'MemoryMax' | 'TasksMax';
  agoMs: number;
}

export interface Action {
  property: 'MemoryMax' | 'TasksMax';
  limit: number;
  seen: number;
  /** Those to kill; `all` means every process of the run, born meanwhile ones included. */
  kill: 'all' | readonly Candidate[];
  /** The process that the crossing is put down to. */
  culprit: Candidate;
}

/** How long a kill has to take effect before all the others go too. */
export const GRACE_MS = 100;
/** Tasks beyond their limit again within this time are a bomb. */
const BOMB_MS = 2000;

/** @returns what to do; undefined where all is within its limits, or a kill has yet to work */
export function decide(
  limits: WatchedLimits,
  seen: Seen,
  earlier: Earlier | undefined,
): Action | undefined {
  return overMemory(limits, seen, earlier) ?? overTasks(limits, seen, earlier);
}

function overMemory(
  { memory: limit, policy }: WatchedLimits,
  seen: Seen,
  earlier: Earlier | undefined,
): Action | undefined {
  if (limit === undefined || seen.memory <= limit) return undefined;
  const culprit = largest(seen.processes);
  if (culprit === undefined) return undefined;
  const recent = earlier?.property === 'MemoryMax' && earlier.agoMs < RECENT_MS;
  if (recent && earlier.agoMs < GRACE_MS) return undefined;
  const all = policy === 'all' || recent;
  return {
    property: 'MemoryMax',
    limit,
    seen: seen.memory,
    kill: all ? 'all' : [culprit],
    culprit,
  };
}

/** A crossing that is seen later than this after a kill is a matter of its own. */
const RECENT_MS = 250;

/**
 * A fork cannot be refused from outside, as the kernel would do it. The youngest processes are
 * killed until the rest fits; where that many are born at once, or again and again, it is a bomb,
 * and all go.
 */
function overTasks(
  { tasks: limit }: WatchedLimits,
  seen: Seen,
  earlier: Earlier | undefined,
): Action | undefined {
  if (limit === undefined || seen.tasks <= limit) return undefined;
  const youngest = [...seen.processes].sort(byAge);
  const kill: Candidate[] = [];
  for (let left = seen.tasks; left > limit && kill.length < youngest.length; ) {
    const next = youngest[kill.length];
    if (next === undefined) break;
    kill.push(next);
    left -= next.threads;
  }
  const [culprit] = kill;
  if (culprit === undefined) return undefined;
  const again = earlier?.property === 'TasksMax' && earlier.agoMs < BOMB_MS;
  const isBomb = again || seen.tasks > 2 * limit;
  return { property: 'TasksMax', limit, seen: seen.tasks, kill: isBomb ? 'all' : kill, culprit };
}

/** The youngest first. */
function byAge(a: Candidate, b: Candidate): number {
  return b.startTicks - a.startTicks || b.pid - a.pid;
}

export function largest(processes: readonly Candidate[]): Candidate | undefined {
  let most: Candidate | undefined;
  for (const candidate of processes) {
    if (most === undefined || candidate.memory > most.memory) most = candidate;
  }
  return most;
}
