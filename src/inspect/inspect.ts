import { CGROUP_ROOT, type Process, processesIn, readProcess } from '../cgroup/index.js';
import { readMemory } from '../machine/read.js';
import type { Finding, Observation, UnitRecord, Usage } from '../model/index.js';
import { isPropertyName, shownName } from '../properties/index.js';
import { type BrokenRecord, readRecords, recordDirectory, removeRecord } from '../state/index.js';
import { findNamedUnits, findOurUnits } from '../systemd/find.js';
import { systemdVersion } from '../systemd/version.js';
import { compare, type PropertyRow } from './compare.js';
import type { KernelContext } from './context.js';
import { devicesIn, ioWeightsCount } from './facts.js';
import { observe } from './observe.js';
import { ancestorReader, controllersFor } from './surroundings.js';

/** One unit as `inspect` reports it; the element of `units` in `--json`. */
export interface InspectedUnit {
  unit: string;
  kind: Observation['kind'];
  manager: Observation['manager'];
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
  const found =
    names.length === 0 ? await findOurUnits(records) : await findNamedUnits(names, records);
  const observed = found.flatMap((unit) => observe(unit) ?? []).sort(byAge);
  if (directory && names.length === 0) forgetEnded(records, observed, directory);
  const contextFor = contextReader(env);
  return {
    units: observed.map((observation) => {
      const record = records.find(({ unit }) => unit === observation.unit);
      const comparison = compare(record?.properties, observation, contextFor(observation, record));
      return {
        ...describe(observation, record),
        properties: comparison.rows,
        findings: comparison.findings,
        ...(processes ? { processes: processesOf(observation) } : {}),
      };
    }),
    brokenRecords: broken,
  };
}

/** The oldest first; those that are not active last. */
function byAge(a: Observation, b: Observation): number {
  const [first = '~', second = '~'] = [a.since, b.since];
  return first.localeCompare(second) || a.unit.localeCompare(b.unit);
}

/** How long `run` may take between writing a record and having the unit. */
const START_MS = 60_000;

/** Forgets units that are gone, as after a SIGKILL of rlimit, but not those about to start. */
function forgetEnded(
  records: readonly UnitRecord[],
  observed: readonly Observation[],
  directory: string,
): void {
  const loaded = new Set(observed.map(({ unit }) => unit));
  for (const { unit, started } of records) {
    if (loaded.has(unit) || Date.now() - started < START_MS) continue;
    removeRecord(directory, unit);
  }
}

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

function processesOf({ cgroup }: Observation): Process[] {
  if (cgroup === undefined) return [];
  return processesIn(cgroup)
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
