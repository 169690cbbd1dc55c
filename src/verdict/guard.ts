/** What the guards did to a run, from their deeds. Pure. */
import type { GuardDeed, GuardTouch } from '../model/index.js';

/** A run by what its guard can have known of it, and its time on CLOCK_MONOTONIC. */
export interface Guarded {
  /** The cgroup of the run alone; absent where it has none. */
  cgroup?: string;
  /** PID of its command. */
  pid: number;
  /** It gives jobs tokens. */
  hasJobserver: boolean;
  begunMs: number;
  endedMs: number;
}

/** The deeds of one guard. */
export interface DeedsOf {
  of: 'machine' | 'user';
  deeds: readonly GuardDeed[];
}

/** Some deeds are written down after they were done. */
const LATE_MS = 1000;

/** What was done to that run; absent where that is nothing. */
export function guardTouch(all: readonly DeedsOf[], run: Guarded): GuardTouch | undefined {
  const touch: GuardTouch = {};
  for (const { of, deeds } of all) {
    const meanwhile = deeds.filter(
      ({ atMs }) => atMs >= run.begunMs && atMs <= run.endedMs + LATE_MS,
    );
    const own = meanwhile.filter((deed) => concerns(deed, run));
    const last = own.findLast(isEnd);
    if (last !== undefined) touch.ended = endOf(last, of);
    if (own.some(({ kind, how }) => kind === 'livelock' && how === 'raise')) touch.raised = true;
    const frozenMs = frozenFor(own, run);
    if (frozenMs > 0) touch.frozenMs = (touch.frozenMs ?? 0) + frozenMs;
    if (run.hasJobserver) holdBack(touch, deeds, run);
  }
  return Object.keys(touch).length === 0 ? undefined : touch;
}

function concerns({ cgroup, process }: GuardDeed, run: Guarded): boolean {
  if (run.cgroup === undefined) return process?.pid === run.pid;
  // One inside of another is ended with it.
  return cgroup !== undefined && (isIn(cgroup, run.cgroup) || isIn(run.cgroup, cgroup));
}

function isIn(cgroup: string, above: string): boolean {
  return cgroup === above || cgroup.startsWith(`${above}/`);
}

function isEnd({ kind, how }: GuardDeed): boolean {
  return ['term', 'kill', 'gpu'].includes(kind) || (kind === 'livelock' && how === 'kill');
}

function endOf(deed: GuardDeed, of: DeedsOf['of']): NonNullable<GuardTouch['ended']> {
  const { kind, unit, process, signal = 'SIGKILL', available, why } = deed;
  return {
    of,
    whole: unit !== undefined && kind !== 'livelock',
    signal,
    reason: kind === 'gpu' ? 'gpu' : kind === 'livelock' ? 'stall' : 'memory',
    ...(process === undefined ? {} : { comm: process.comm }),
    ...(available === undefined || kind === 'gpu' ? {} : { available }),
    why,
  };
}

function frozenFor(deeds: readonly GuardDeed[], { endedMs }: Guarded): number {
  return spells(
    deeds.filter(({ kind }) => kind === 'freeze' || kind === 'thaw'),
    ({ kind }) => kind === 'freeze',
    endedMs,
  );
}

/** Tokens are taken from all runs of a guard at once, also before this one began. */
function holdBack(touch: GuardTouch, deeds: readonly GuardDeed[], run: Guarded): void {
  const { begunMs, endedMs } = run;
  const told = deeds.filter(({ kind, atMs }) => kind === 'tokens' && atMs <= endedMs);
  const heldMs = spells(told, ({ most }) => most !== undefined, endedMs, begunMs);
  if (heldMs <= 0) return;
  const before = told.findLast(({ atMs }) => atMs < begunMs);
  const least = [before, ...told.filter(({ atMs }) => atMs >= begunMs)]
    .flatMap((deed) => (deed?.most === undefined ? [] : [deed.most + 1]))
    .reduce((a, b) => Math.min(a, b), touch.leastJobs ?? Number.POSITIVE_INFINITY);
  touch.heldBackMs = Math.max(touch.heldBackMs ?? 0, heldMs);
  touch.leastJobs = least;
}

/** For how long, together, something was so. */
function spells(
  deeds: readonly GuardDeed[],
  begins: (deed: GuardDeed) => boolean,
  untilMs: number,
  fromMs = 0,
): number {
  let sinceMs: number | undefined;
  let sum = 0;
  for (const deed of deeds) {
    if (begins(deed)) {
      sinceMs ??= Math.max(deed.atMs, fromMs);
    } else if (sinceMs !== undefined) {
      sum += Math.max(0, deed.atMs - sinceMs);
      sinceMs = undefined;
    }
  }
  if (sinceMs !== undefined) sum += Math.max(0, untilMs - sinceMs);
  return Math.round(sum);
}
