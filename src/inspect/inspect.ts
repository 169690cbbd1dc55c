import { type Process, processesIn, readProcess } from '../cgroup/index.js';
import type {
  BudgetState,
  Finding,
  LauncherKind,
  Limits,
  Observation,
  UnitRecord,
  Usage,
} from '../model/index.js';
import { type BrokenRecord, readRecords, recordDirectory } from '../state/index.js';
import { isRunning, type OwnRun } from '../systemd/own-runs.js';
import { type Comparison, compare, type PropertyRow } from './compare.js';
import { compareWatched, watchedUsage } from './compare-watched.js';
import { type ContextReader, contextReader, withDisabled } from './context-reader.js';
import { type Found, findAll, findNamed, forgetEnded, goneUnit } from './gather.js';
import { observe } from './observe.js';
import { findStrays, type Home, type Stray, strayFinding } from './strays.js';

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
  /** Its processes that live in another cgroup; absent when there are none. */
  strays?: Stray[];
  /** What could not be found out, as sentences; absent when all could. */
  partial?: string[];
  /** The largest first; only when asked for. */
  processes?: Process[];
}

/** What `inspect` found; also what `--json` prints. */
export interface Inspection {
  units: InspectedUnit[];
  /** Files among the records that could not be used. */
  brokenRecords: BrokenRecord[];
  /** The profile that the units were compared with, and what of it does not apply here. */
  profile?: Pick<Limits, 'profile' | 'leftOut'>;
  /** The budget of all runs, where one is set; the command adds it when no unit is named. */
  budget?: BudgetState;
}

export interface InspectOptions {
  /** Names; none means every unit of ours. */
  units: readonly string[];
  /** Whether to list the processes of each unit. */
  processes?: boolean;
  /** What the units are to have, in place of what was asked of them. */
  profile?: Limits;
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
  profile,
  env = process.env,
}: InspectOptions): Promise<Inspection> {
  const directory = recordDirectory(env);
  const { records, broken } = directory ? readRecords(directory) : { records: [], broken: [] };
  const { found, isAll } =
    names.length === 0
      ? await findAll(records)
      : { found: await findNamed(names, records), isAll: false };
  const known = names.length === 0 ? [...found, ...lost(found, records)] : found;
  const looks = known.flatMap((unit) => lookAt(unit, records)).sort(byAge);
  if (directory && isAll) {
    await forgetEnded(
      records,
      looks.map(({ observation }) => observation),
      directory,
    );
  }
  const strays = findStrays(looks.flatMap(homeOf), new Set(records.map(({ unit }) => unit)));
  // A run that has just ended, or has not started yet, has no processes anywhere.
  const there = looks.filter(
    ({ observation, isGone }) => names.length > 0 || !isGone || strays.has(observation.unit),
  );
  const contextFor = contextReader(env);
  const units: InspectedUnit[] = [];
  for (const look of there) {
    const { rows, findings } = await compareOne(look, contextFor, profile);
    const outside = strays.get(look.observation.unit);
    units.push({
      ...describe(look.observation, look.record),
      properties: rows,
      findings: [
        ...findings,
        ...homeOf(look).flatMap((home) => (outside ? [strayFinding(home, outside)] : [])),
      ],
      ...(outside === undefined ? {} : { strays: outside }),
      ...partialOf(look, profile),
      ...(processes ? { processes: processesOf(look.observation, look.own) } : {}),
    });
  }
  return {
    units,
    brokenRecords: broken,
    ...(profile === undefined
      ? {}
      : { profile: { profile: profile.profile, leftOut: profile.leftOut } }),
  };
}

/** One unit at one moment, with what is on record of it. */
interface Look {
  observation: Observation;
  record: UnitRecord | undefined;
  own: OwnRun | undefined;
  remark: string | undefined;
  /** The run of a record whose unit systemd does not know any more. */
  isGone: boolean;
}

function lookAt(unit: Found, records: readonly UnitRecord[]): Look[] {
  const observation = observe(unit);
  if (observation === undefined) return [];
  const isWatched = unit.own?.record.launcher === 'watched';
  const usage = isWatched && unit.own ? { usage: watchedUsage(unit.own) } : {};
  return [
    {
      observation: { ...observation, ...usage },
      // What another user runs under the same name is not on our record.
      record:
        unit.remark === undefined
          ? records.find((record) => record.unit === observation.unit)
          : undefined,
      own: unit.own,
      remark: unit.remark,
      isGone: observation.loadState === 'not-found',
    },
  ];
}

/** Runs that are under way although systemd does not know their unit. */
function lost(found: readonly Found[], records: readonly UnitRecord[]): Found[] {
  return records
    .filter(({ unit, launcher }) => {
      return launcher !== 'watched' && found.every(({ shown }) => shown.Id !== unit);
    })
    .filter((record) => isRunning(record))
    .map(goneUnit);
}

function homeOf({ observation, record, remark }: Look): Home[] {
  const { unit, cgroup, systemd } = observation;
  if (remark !== undefined || record?.launcher === 'watched') return [];
  const mainPid = /^[1-9]\d{0,9}$/.test(systemd.MainPID ?? '')
    ? Number(systemd.MainPID)
    : undefined;
  return [
    {
      unit,
      ...(cgroup === undefined ? {} : { cgroup }),
      ...(record === undefined ? {} : { record }),
      ...(mainPid === undefined ? {} : { mainPid }),
    },
  ];
}

async function compareOne(
  { observation, record, own }: Look,
  contextFor: ContextReader,
  profile: Limits | undefined,
): Promise<Comparison> {
  if (own?.record.launcher === 'watched' && profile === undefined) return compareWatched(own);
  const asked = profile === undefined ? record?.properties : propertiesOf(profile);
  const context = {
    ...(await contextFor(observation, asked)),
    ...(profile === undefined ? {} : { profile: profile.profile, rules: rulesOf(profile) }),
  };
  const comparison = compare(asked, observation, context);
  const more = await withDisabled(observation, context, comparison.findings);
  return more === undefined ? comparison : compare(asked, observation, more);
}

const GONE =
  'its unit is not there: the run has just ended, is only starting, or was moved out of it';

function propertiesOf({ properties }: Limits): Record<string, string> {
  return Object.fromEntries(properties.map(({ property, value }) => [property, value]));
}

function rulesOf({ properties }: Limits): Record<string, string> {
  return Object.fromEntries(
    properties.flatMap(({ property, rule }) => (rule === undefined ? [] : [[property, rule]])),
  );
}

function partialOf(
  { observation, remark, isGone }: Look,
  profile: Limits | undefined,
): Pick<InspectedUnit, 'partial'> {
  const isIdle = profile !== undefined && observation.activeState !== 'active';
  const partial = [
    ...(remark === undefined ? [] : [remark]),
    ...(observation.partial ?? []),
    ...(isGone ? [GONE] : []),
    ...(isIdle && !isGone ? ['it does not run, so that the kernel holds nothing for it'] : []),
  ];
  return partial.length === 0 ? {} : { partial };
}

/** The oldest first; those that are not active last. */
function byAge({ observation: a }: Look, { observation: b }: Look): number {
  const [first = '~', second = '~'] = [a.since, b.since];
  return first.localeCompare(second) || a.unit.localeCompare(b.unit);
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
