import { cgroupOf, isNamed, isWithin, type Process } from '../cgroup/index.js';
import { UsageError } from '../errors/index.js';
import { readRecords, recordDirectory, removeRecord } from '../state/index.js';
import { systemctl } from '../systemd/client.js';
import {
  type EndedProcess,
  type EndOptions,
  endCgroup,
  endProcesses,
  listProcesses,
} from './end.js';
import { type EndingSignal, parseSignal } from './signal.js';
import { namedTargets, ourScopes, type Target } from './targets.js';

export interface KillOptions {
  /** Names of units; with `process`, where to look for it. */
  units: readonly string[];
  /** Every scope of ours. */
  scopes: boolean;
  /** Exact names of processes: only those, in our scopes or in `units`. */
  processes: readonly string[];
  /** As kill(1) takes it. */
  signal: string;
  /** Seconds from the signal to SIGKILL. */
  timeout: number;
  dryRun: boolean;
  force: boolean;
  env?: NodeJS.ProcessEnv;
}

/** One unit of the report. */
export interface KilledUnit {
  unit: string;
  processes: EndedProcess[];
}

/** What `kill` did; also what `--json` prints. */
export interface KillReport {
  dryRun: boolean;
  signal: EndingSignal;
  /** Units in which something was to be ended. */
  units: KilledUnit[];
  /** Processes that have ended (with a dry run: that would have to). */
  ended: number;
  survived: number;
  /** Bytes of memory they had, shared pages counted for each. */
  memory: number;
}

/**
 * Ends units, or processes of a name inside units.
 * @throws {UsageError} when nothing was named, or something that must not be ended
 * @throws {UnknownNameError} for a name that stands for no unit
 * @throws {UnavailableError} when there is no user manager
 */
export async function kill(options: KillOptions): Promise<KillReport> {
  checkRequest(options);
  const signal = parseSignal(options.signal);
  const directory = recordDirectory(options.env);
  const { records } = directory ? readRecords(directory) : { records: [] };
  const { units: names, force } = options;
  const targets =
    names.length > 0 ? await namedTargets(names, records, { force }) : await ourScopes(records);
  const units = await endAll(targets, (target) => endOne(target, options, signal));
  if (directory && !options.dryRun) forget(units, options, directory);
  return reportOf(units, { signal, dryRun: options.dryRun });
}

function checkRequest({ units, scopes, processes }: KillOptions): void {
  if (scopes && units.length > 0) {
    throw new UsageError('--scope means every scope of rlimit: it takes no unit besides');
  }
  if (scopes || units.length > 0 || processes.length > 0) return;
  throw new UsageError('there is nothing named to kill', {
    why: 'A unit, --process NAME, or --scope for every scope of rlimit.',
    remedy: 'rlimit kill --scope',
  });
}

/** All at once; but the unit that holds rlimit itself comes last, since its end may be ours. */
async function endAll(
  targets: readonly Target[],
  end: (target: Target) => Promise<EndedProcess[]>,
): Promise<KilledUnit[]> {
  const own = cgroupOf('self');
  const holdsUs = ({ cgroup }: Target) =>
    own !== undefined && cgroup !== undefined && isWithin(own, cgroup);
  const units: KilledUnit[] = [];
  for (const group of [targets.filter((t) => !holdsUs(t)), targets.filter(holdsUs)]) {
    const ended = await Promise.all(group.map(end));
    units.push(...group.map(({ unit }, index) => ({ unit, processes: ended[index] ?? [] })));
  }
  return units;
}

async function endOne(
  target: Target,
  { processes, timeout, dryRun }: KillOptions,
  signal: EndingSignal,
): Promise<EndedProcess[]> {
  const { cgroup } = target;
  if (cgroup === undefined) return [];
  const options: EndOptions = { signal, timeoutMs: timeout * 1000 };
  const isMeant = (candidate: Process) => processes.some((name) => isNamed(candidate, name));
  if (processes.length > 0) {
    if (dryRun) return listProcesses(cgroup, options, isMeant);
    return endProcesses(cgroup, isMeant, options);
  }
  if (dryRun) return listProcesses(cgroup, options);
  if (target.kind !== 'scope') await stopUnit(target);
  return endCgroup(cgroup, options);
}

/**
 * A service that is only killed may be started again by systemd (Restart=), so it is told to stop
 * as well. What it does not do in time is killed all the same.
 */
async function stopUnit({ unit, manager }: Target): Promise<void> {
  await systemctl(['stop', '--no-block', '--no-ask-password', '--', unit], { manager }).catch(
    // Without the right to stop it, the signals will be refused as well, and that is reported.
    () => {},
  );
}

function forget(units: readonly KilledUnit[], { processes }: KillOptions, directory: string): void {
  if (processes.length > 0) return;
  for (const { unit, processes: ended } of units) {
    if (ended.every(({ end }) => end === 'signal' || end === 'killed')) {
      removeRecord(directory, unit);
    }
  }
}

function reportOf(
  units: KilledUnit[],
  { signal, dryRun }: { signal: EndingSignal; dryRun: boolean },
): KillReport {
  const all = units.flatMap(({ processes }) => processes);
  const survived = all.filter(({ end }) => end === 'survived').length;
  const counted = all.filter(({ end }) => end !== 'survived' && end !== 'spared');
  return {
    dryRun,
    signal,
    units,
    ended: counted.length,
    survived,
    memory: counted.reduce((sum, { memory = 0 }) => sum + memory, 0),
  };
}
