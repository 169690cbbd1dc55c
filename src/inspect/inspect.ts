import { CGROUP_ROOT, type Process, processesIn, readProcess, removeRun } from '../cgroup/index.js';
import { UnavailableError } from '../errors/index.js';
import { readMemory } from '../machine/read.js';
import type {
  BudgetState,
  Finding,
  LauncherKind,
  Observation,
  UnitRecord,
  Usage,
} from '../model/index.js';
import { isPropertyName, shownName } from '../properties/index.js';
import { type BrokenRecord, readRecords, recordDirectory, removeRecord } from '../state/index.js';
import { clearRuns } from '../systemd/clear.js';
import {
  type FoundUnit,
  findNamedUnits,
  findOurUnits,
  findOwnRuns,
  isWithoutSystemd,
  ownRunsNamed,
} from '../systemd/find.js';
import { isRunning, type OwnRun } from '../systemd/own-runs.js';
import { systemdVersion } from '../systemd/version.js';
import { compare, type PropertyRow } from './compare.js';
import { compareWatched, watchedUsage } from './compare-watched.js';
import type { KernelContext } from './context.js';
import { devicesIn, ioWeightsCount } from './facts.js';
import { observe } from './observe.js';
import { ancestorReader, controllersFor } from './surroundings.js';

/** One unit as `inspect` reports it; the element of `units` in `--json`. */
export interface InspectedUnit {
  unit: string;
  kind: Observation['kind'];
  manager: Observation['manager'];
  /** Who holds the limits, where that is on record. */
  launcher?: LauncherKind;
  /** systemd's ActiveState. */
  state: string;
  result?: string;
  description?: string;
  profile?: string;
  command?: string[];
  cwd?: string;
  jobs?: number;
  /** ISO 8601 time. */
  since?: string;
  slice?: string;
  cgroup?: string;
  usage: Usage;
  properties: PropertyRow[];
  findings: Finding[];
  /** The largest first; only when asked for. */
  processes?: Process[];
}

/** What `inspect` found; also what `--json` prints. */
export interface Inspection {
  units: InspectedUnit[];
  /** Files among the records that could not be used. */
  brokenRecords: BrokenRecord[];
  /** The budget of all runs, where one is set; the command adds it when no unit is named. */
  budget?: BudgetState;
}

export interface InspectOptions {
  /** Names; none means every unit of ours. */
  units: readonly string[];
  /** Whether to list the processes of each unit. */
  processes?: boolean;
  env?: NodeJS.ProcessEnv;
}

/**
 * Looks at units: what was asked of each, what systemd and the kernel hold, what it uses, and what
 * is not in force and why.
 * @throws {UnavailableError} when there is no user manager
 * @throws {UnknownNameError} for a name that stands for no unit
 */
export async function inspect({
  units: names,
  processes = false,
  env = process.env,
}: InspectOptions): Promise<Inspection> {
  const directory = recordDirectory(env);
  const { records, broken } = directory ? readRecords(directory) : { records: [], broken: [] };
  const { found, isAll } =
    names.length === 0
      ? await findAll(records)
      : { found: await findNamed(names, records), isAll: false };
  const observed = found.flatMap(observeUnit).sort(byAge);
  const runs = new Map(found.flatMap(({ own }) => (own ? [[own.record.unit, own]] : [])));
  if (directory && isAll) await forgetEnded(records, observed, directory);
  const contextFor = contextReader(env);
  return {
    units: observed.map((observation) => {
      const record = records.find(({ unit }) => unit === observation.unit);
      const own = runs.get(observation.unit);
      const comparison =
        own?.record.launcher === 'watched'
          ? compareWatched(own)
          : compare(record?.properties, observation, contextFor(observation, record));
      return {
        ...describe(observation, record),
        properties: comparison.rows,
        findings: comparison.findings,
        ...(processes ? { processes: processesOf(observation, own) } : {}),
      };
    }),
    brokenRecords: broken,
  };
}

function observeUnit(unit: FoundUnit): Observation[] {
  const observation = observe(unit);
  if (observation === undefined) return [];
  const isWatched = unit.own?.record.launcher === 'watched';
  return [isWatched && unit.own ? { ...observation, usage: watchedUsage(unit.own) } : observation];
}

/**
 * Runs of every launcher, and whether these are all there can be. That systemd cannot be asked is no matter where it does not run at all,
 * or where there is something to show.
 */
async function findAll(
  records: readonly UnitRecord[],
): Promise<{ found: FoundUnit[]; isAll: boolean }> {
  const own = findOwnRuns(records);
  let isAll = true;
  const managed = await findOurUnits(records).catch((error: unknown) => {
    const isKnown = own.length > 0 || isWithoutSystemd();
    if (!(error instanceof UnavailableError && isKnown)) throw error;
    isAll = isWithoutSystemd();
    return [];
  });
  const others = managed.filter(({ shown }) => own.every((run) => run.shown.Id !== shown.Id));
  return { found: [...own, ...others], isAll };
}

async function findNamed(
  names: readonly string[],
  records: readonly UnitRecord[],
): Promise<FoundUnit[]> {
  const runs = findOwnRuns(records);
  const own = names.flatMap((name) => ownRunsNamed(name, runs, records));
  const rest = names.filter((name) => ownRunsNamed(name, runs, records).length === 0);
  const managed = rest.length === 0 ? [] : await findNamedUnits(rest, records);
  return [...new Set(own), ...managed];
}

/** The oldest first; those that are not active last. */
function byAge(a: Observation, b: Observation): number {
  const [first = '~', second = '~'] = [a.since, b.since];
  return first.localeCompare(second) || a.unit.localeCompare(b.unit);
}

/**
 * Forgets runs that are over although their rlimit could not do it (it was killed), and clears up
 * behind them. One that is only about to start has an rlimit that lives.
 */
async function forgetEnded(
  records: readonly UnitRecord[],
  observed: readonly Observation[],
  directory: string,
): Promise<void> {
  const active = new Set(
    observed.filter(({ activeState }) => activeState === 'active').map(({ unit }) => unit),
  );
  const over = records.filter(({ unit, runner, started }) => {
    if (active.has(unit)) return false;
    return runner === undefined ? Date.now() - started > START_MS : !isRunning({ runner });
  });
  for (const { unit, cgroup } of over) {
    removeRecord(directory, unit);
    if (cgroup !== undefined) removeRun(cgroup);
  }
  await clearRuns(over);
}

/** How long a run of an earlier rlimit, whose record does not name it, may take to start. */
const START_MS = 60_000;

/** Facts are read once for all units, and those that few units need, when the first one does. */
function contextReader(
  env: NodeJS.ProcessEnv,
  root = CGROUP_ROOT,
): (observation: Observation, record: UnitRecord | undefined) => KernelContext {
  const ancestors = ancestorReader(root);
  const { swap } = readMemory();
  const ioWeights = once(() => ioWeightsCount({ root }));
  const version = once(() => systemdVersion(env));
  return ({ cgroup, kernel, systemd }, record) => {
    const controllers = cgroup === undefined ? undefined : controllersFor(cgroup, root);
    const uid = /\/user@(\d+)\.service\//.exec(cgroup ?? '')?.[1];
    const weights = kernel['io.weight'] === undefined ? undefined : ioWeights();
    // systemctl leaves out what its systemd does not know.
    const unknown = Object.keys(record?.properties ?? {})
      .filter(isPropertyName)
      .some((name) => systemd[shownName(name)] === undefined);
    const major = unknown ? version() : undefined;
    return {
      swap,
      devices: devicesIn(record?.properties ?? systemd),
      ancestors: cgroup === undefined ? [] : ancestors(cgroup),
      ...(controllers === undefined ? {} : { controllers }),
      ...(uid === undefined ? {} : { uid: Number(uid) }),
      ...(weights === undefined ? {} : { ioWeights: weights }),
      ...(major === undefined ? {} : { systemd: major }),
    };
  };
}

function describe(observation: Observation, record: UnitRecord | undefined) {
  const { unit, kind, manager, activeState, result, description, slice, cgroup } = observation;
  const since =
    observation.since ??
    (record === undefined ? undefined : new Date(record.started).toISOString());
  return {
    unit,
    kind,
    manager,
    state: activeState,
    ...(result === undefined ? {} : { result }),
    ...(description === undefined ? {} : { description }),
    ...(record?.launcher === undefined ? {} : { launcher: record.launcher }),
    ...(record === undefined
      ? {}
      : { profile: record.profile, command: record.command, cwd: record.cwd }),
    ...(record?.jobs === undefined ? {} : { jobs: record.jobs }),
    ...(since === undefined ? {} : { since }),
    ...(slice === undefined ? {} : { slice }),
    ...(cgroup === undefined ? {} : { cgroup }),
    usage: observation.usage,
  };
}

function processesOf({ cgroup }: Observation, own: OwnRun | undefined): Process[] {
  const pids = own?.pids() ?? (cgroup === undefined ? [] : processesIn(cgroup));
  return pids
    .flatMap((pid) => readProcess(pid) ?? [])
    .sort((a, b) => (b.memory ?? 0) - (a.memory ?? 0));
}

function once<T>(read: () => T): () => T {
  let known: { value: T } | undefined;
  return () => {
    known ??= { value: read() };
    return known.value;
  };
}
