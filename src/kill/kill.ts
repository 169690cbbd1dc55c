import { setTimeout as sleep } from 'node:timers/promises';
import { cgroupOf, isNamed, isWithin, type Process, removeRun } from '../cgroup/index.js';
import { UsageError } from '../errors/index.js';
import type { UnitRecord } from '../model/index.js';
import {
  readRecord,
  readRecords,
  recordDirectory,
  removeRecord,
  writeRecord,
} from '../state/index.js';
import { clearRuns } from '../systemd/clear.js';
import { systemctl } from '../systemd/client.js';
import { isRunning } from '../systemd/own-runs.js';
import {
  type EndedProcess,
  type EndOptions,
  endCgroup,
  endProcesses,
  type Group,
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
  if (directory && !options.dryRun) noteKill(targets, { records, directory, signal });
  const units = await endAll(targets, (target) => endOne(target, options, signal));
  if (directory && !options.dryRun) await forget(units, options, directory);
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
  const group = groupOf(target);
  if (group === undefined) return [];
  const options: EndOptions = { signal, timeoutMs: timeout * 1000 };
  const isMeant = (candidate: Process) => processes.some((name) => isNamed(candidate, name));
  if (processes.length > 0) {
    if (dryRun) return listProcesses(group, options, isMeant);
    return endProcesses(group, isMeant, options);
  }
  if (dryRun) return listProcesses(group, options);
  if (target.kind !== 'scope') await stopUnit(target);
  return endCgroup(group, options);
}

/** What is to be ended: a cgroup, or the processes that a run without one has at a time. */
function groupOf({ cgroup, own }: Target): Group | undefined {
  if (cgroup !== undefined) return cgroup;
  return own === undefined ? undefined : { pids: own.pids };
}

/**
 * A service that is only killed may be started again by systemd (Restart=), so it is told to stop
 * as well. What it does not do in time is killed all the same.
 */
async function stopUnit({ unit, manager }: Target): Promise<void> {
  if (manager === 'none') return;
  await systemctl(['stop', '--no-block', '--no-ask-password', '--', unit], { manager }).catch(
    // Without the right to stop it, the signals will be refused as well, and that is reported.
    () => {},
  );
}

/** Tells the rlimit that waits for a run who it was, so that its verdict can say so. */
function noteKill(
  targets: readonly Target[],
  {
    records,
    directory,
    signal,
  }: { records: readonly UnitRecord[]; directory: string; signal: EndingSignal },
): void {
  for (const record of records) {
    if (!targets.some(({ unit }) => unit === record.unit)) continue;
    writeRecord(directory, { ...record, killed: { signal, by: 'rlimit kill' } });
  }
}

/**
 * Where rlimit still waits for the run, the record is its to forget: it has yet to
 * read the note and the last figures.
 */
async function forget(
  units: readonly KilledUnit[],
  { processes }: KillOptions,
  directory: string,
): Promise<void> {
  if (processes.length > 0) return;
  const ended = units.flatMap(({ unit, processes: seen }) => {
    const record = readRecord(directory, unit);
    const isOver = seen.every(({ end }) => end === 'signal' || end === 'killed');
    if (record === undefined || !isOver) return [];
    return [record];
  });
  await Promise.all(ended.map(waitForRunner));
  const over = ended.filter((record) => !isRunning(record));
  for (const { unit, cgroup } of over) {
    removeRecord(directory, unit);
    if (cgroup !== undefined) removeRun(cgroup);
  }
  await clearRuns(over);
}

/** How long the rlimit of a run has to see that it is over. */
const RUNNER_MS = 3000;

async function waitForRunner(record: UnitRecord): Promise<void> {
  const deadline = performance.now() + RUNNER_MS;
  while (isRunning(record) && performance.now() < deadline) await sleep(20);
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
