import type { MachineSample, ProcessSample, UnitSample } from '../../model/index.js';
import type { GuardSettings, GuardState, Named } from './types.js';
import { vitalPids } from './vital.js';

/** A sample, seen with the eyes of the guard: what every part of a decision asks of it. */
export interface View {
  sample: MachineSample;
  settings: GuardSettings;
  state: GuardState;
  byPid: ReadonlyMap<number, ProcessSample>;
  /** Processes that are never touched. */
  vital: ReadonlySet<number>;
  /** Scopes that `rlimit run` made and that have a limit. */
  ownScopes: readonly UnitSample[];
  /** Available memory in percent of all. */
  available: number;
}

/** Names one process for ever. */
export function keyOf({ pid, startTicks }: Pick<Named, 'pid' | 'startTicks'>): string {
  return `${pid}:${startTicks}`;
}

/** The process of a key, where it lives. A map of all keys would cost more than the few questions. */
export function processOf(key: string, { byPid }: View): ProcessSample | undefined {
  const process = byPid.get(Number.parseInt(key, 10));
  return process !== undefined && keyOf(process) === key ? process : undefined;
}

export function nameOf({ pid, startTicks, comm }: ProcessSample): Named {
  return { pid, startTicks, comm };
}

export function viewOf(state: GuardState, sample: MachineSample, settings: GuardSettings): View {
  const byPid = new Map<number, ProcessSample>();
  for (const each of sample.processes) byPid.set(each.pid, each);
  const { total, available } = sample.memory;
  return {
    sample,
    settings,
    state,
    byPid,
    vital: vitalPids(sample.processes, byPid, state.scene),
    ownScopes: sample.units.filter(
      ({ ours, unit, limits }) =>
        ours &&
        unit.endsWith('.scope') &&
        Object.values(limits).some((limit) => typeof limit === 'number'),
    ),
    // A machine that does not tell its memory is not short of it as far as anybody knows.
    available: total > 0 ? (available / total) * 100 : 100,
  };
}

/** Anonymous memory and what of it is swapped out, in bytes: what its end gives back. */
export function heldBy({ anon, rss, swap = 0 }: ProcessSample): number {
  return (anon ?? rss) + swap;
}

/** Whether it is to be kept alive: by the exact name of the process. */
export function isManaged(process: ProcessSample, { managed_processes }: GuardSettings) {
  return isNamedIn(process, managed_processes);
}

export function isNamedIn(
  { comm, argv0 }: { comm: string; argv0?: string | undefined },
  names: readonly string[],
): boolean {
  // A comm is cut to 15 bytes; a longer name can only be told by the first argument.
  return names.includes(comm) || (argv0 !== undefined && names.includes(argv0));
}

/** Whether a cgroup is that of a unit or below it. */
export function isIn(cgroup: string | undefined, above: string): boolean {
  return cgroup !== undefined && (cgroup === above || cgroup.startsWith(`${above}/`));
}

/** Whether this guard may do anything to a process at all. */
export function mayTouch({ uid }: ProcessSample, { state: { scene } }: View): boolean {
  return scene.uid === 0 || uid === scene.uid;
}

/** 4.31 as `4.3 %`. */
export function percentText(percent: number): string {
  return `${percent.toFixed(1)} %`;
}
