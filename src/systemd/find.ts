import { existsSync } from 'node:fs';
import { UnavailableError, UnknownNameError, UsageError } from '../errors/index.js';
import type { UnitRecord } from '../model/index.js';
import { type ManagerKind, systemctl } from './client.js';
import { isOwnRun, liveOwnRuns, type OwnRun, type OwnRunOptions } from './own-runs.js';
import { kindOf, OUR_UNITS, parseShow, type Shown, showArgs } from './show.js';

/** A unit that exists, in the words of its manager. */
export interface FoundUnit {
  /** `none` for a run that was started without systemd. */
  manager: ManagerKind | 'none';
  shown: Shown;
  /** That run. */
  own?: OwnRun;
}

/** Asks a service manager; another one in tests. */
export type Ask = (args: readonly string[], manager: ManagerKind) => Promise<string>;

const askSystemctl: Ask = (args, manager) => systemctl(args, { manager });

/** Runs without systemd, in the form of units. */
export function findOwnRuns(
  records: readonly UnitRecord[],
  options: OwnRunOptions = {},
): FoundUnit[] {
  return liveOwnRuns(records, options).map((own) => {
    const { unit, cgroup } = own.record;
    const shown: Shown = {
      Id: unit,
      LoadState: 'loaded',
      ActiveState: 'active',
      ...(cgroup === undefined ? {} : { ControlGroup: cgroup }),
    };
    return { manager: 'none', shown, own };
  });
}

/** Those of them that a name stands for. */
export function ownRunsNamed(
  name: string,
  runs: readonly FoundUnit[],
  records: readonly UnitRecord[],
): FoundUnit[] {
  return runs.filter(({ shown }) => standsFor(name, shown.Id ?? '', records));
}

/**
 * Whether it is known, without asking, that systemd has no units of ours: it does not run this
 * system (sd_booted(3)).
 */
export function isWithoutSystemd(root = ''): boolean {
  return !existsSync(`${root}/run/systemd/system`);
}

/**
 * All units of ours: those named as `run` names them, and recorded ones with names of their own.
 * @throws {UnavailableError} when there is no user manager to ask
 */
export async function findOurUnits(
  records: readonly UnitRecord[],
  ask: Ask = askSystemctl,
): Promise<FoundUnit[]> {
  const managed = records.filter((record) => !isOwnRun(record));
  const patterns = new Set([OUR_UNITS, ...managed.map(({ unit }) => unit)]);
  return (await show([...patterns], 'user', ask)).filter(exists);
}

/**
 * The units that names stand for: exact unit names; a name without suffix for units so called, and
 * for all units under a profile of that name. The user's manager is asked first, then the system's.
 * @throws {UnknownNameError} for a name that stands for nothing, with the nearest unit names
 * @throws {UnavailableError} when there is no user manager, and the system's has no such unit
 */
export async function findNamedUnits(
  names: readonly string[],
  records: readonly UnitRecord[],
  ask: Ask = askSystemctl,
): Promise<FoundUnit[]> {
  for (const name of names) checkName(name);
  const found = new Map<string, FoundUnit>();
  let open: readonly string[] = names;
  let failure: unknown;
  for (const manager of ['user', 'system'] as const) {
    if (open.length === 0) break;
    const candidates = open.flatMap((name) => candidatesFor(name, records));
    const units = await show(candidates, manager, ask).catch((error: unknown) => {
      if (!(error instanceof UnavailableError)) throw error;
      failure ??= error;
      return [];
    });
    const existing = units.filter(exists);
    open = open.filter((name) => {
      const matches = existing.filter(({ shown }) => standsFor(name, shown.Id ?? '', records));
      for (const unit of matches) found.set(`${manager} ${unit.shown.Id}`, unit);
      return matches.length === 0;
    });
  }
  if (open[0] === undefined) return [...found.values()];
  if (failure) throw failure;
  throw await unknownUnit(open[0], ask);
}

/** Names that systemd would take for patterns, or that no unit can have. */
function checkName(name: string): void {
  if (/^[\w:.@\\-]{1,255}$/.test(name)) return;
  throw new UsageError(`${JSON.stringify(name)} cannot be the name of a unit`, {
    why: 'Names of units consist of ASCII letters, digits and : - _ . @ \\.',
  });
}

function candidatesFor(name: string, records: readonly UnitRecord[]): string[] {
  if (kindOf(name) !== undefined) return [name];
  return [
    ...SUFFIXES.map((suffix) => name + suffix),
    ...records.filter(({ profile }) => profile === name).map(({ unit }) => unit),
    `rlimit-${name}-*.scope`,
  ];
}

const SUFFIXES = ['.scope', '.service', '.slice'];

function standsFor(name: string, unit: string, records: readonly UnitRecord[]): boolean {
  if (name === unit || SUFFIXES.some((suffix) => name + suffix === unit)) return true;
  if (kindOf(name) !== undefined) return false;
  const record = records.find((candidate) => candidate.unit === unit);
  if (record) return record.profile === name;
  // rlimit-PROFILE-ID.scope: the ID has no dash, a profile may have.
  return unit.replace(/^rlimit-(.*)-[^-]*\.scope$/, '$1') === name;
}

/** systemd makes a slice up for every name: one that is neither active nor a file is no unit. */
function exists({ shown }: FoundUnit): boolean {
  if (shown.LoadState === 'not-found') return false;
  const isActive = shown.ActiveState !== 'inactive';
  return kindOf(shown.Id ?? '') !== 'slice' || isActive || Boolean(shown.FragmentPath);
}

async function show(
  units: readonly string[],
  manager: ManagerKind,
  ask: Ask,
): Promise<FoundUnit[]> {
  const text = await ask(showArgs(units), manager);
  return parseShow(text).map((shown) => ({ manager, shown }));
}

async function unknownUnit(name: string, ask: Ask): Promise<UnknownNameError> {
  const lists = await Promise.all(
    (['user', 'system'] as const).map((manager) => ask(LIST, manager).catch(() => '')),
  );
  const units = lists.join('\n').match(/^\W*[\w:.@\\-]+\.(scope|service|slice)\b/gm) ?? [];
  const known = units.map((unit) => unit.replace(/^\W+/, ''));
  const alike =
    kindOf(name) === undefined ? known.map((unit) => unit.replace(/\.\w+$/, '')) : known;
  return new UnknownNameError('unit', name, [...new Set(alike)], {
    remedy: 'systemctl --user list-units --type=scope,service,slice',
  });
}

const LIST = ['list-units', '--all', '--plain', '--no-legend', '--type=scope,service,slice'];
