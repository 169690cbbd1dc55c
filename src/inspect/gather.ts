/** Which units `inspect` looks at, and what is done about those that are over. */
import { removeRun } from '../cgroup/index.js';
import { UnavailableError, UnknownNameError } from '../errors/index.js';
import type { Observation, UnitRecord } from '../model/index.js';
import { removeRecord } from '../state/index.js';
import { clearRuns } from '../systemd/clear.js';
import {
  type FoundUnit,
  findNamedUnits,
  findOurUnits,
  findOwnRuns,
  isWithoutSystemd,
  ownRunsNamed,
} from '../systemd/find.js';
import { isRunning } from '../systemd/own-runs.js';
import { findForeign, foreignRemark } from './foreign.js';

/** A unit to look at. */
export interface Found extends FoundUnit {
  /** Why the result is only part of it. */
  remark?: string;
}

/**
 * Runs of every launcher, and whether these are all there can be. That systemd cannot be asked is no
 * matter where it does not run at all, or where there is something to show.
 */
export async function findAll(
  records: readonly UnitRecord[],
): Promise<{ found: Found[]; isAll: boolean }> {
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

/**
 * The units that names stand for: of the user's manager, of the system's, and of other users', of
 * which only the kernel tells.
 * @throws {UnavailableError} when there is no user manager
 * @throws {UnknownNameError} for a name that stands for no unit
 */
export async function findNamed(
  names: readonly string[],
  records: readonly UnitRecord[],
): Promise<Found[]> {
  const runs = findOwnRuns(records);
  const own = names.flatMap((name) => ownRunsNamed(name, runs, records));
  const rest = names.filter((name) => ownRunsNamed(name, runs, records).length === 0);
  if (rest.length === 0) return [...new Set(own)];
  const managed = await findNamedUnits(rest, records).catch(async (error: unknown) => {
    const isKnown = error instanceof UnavailableError || error instanceof UnknownNameError;
    if (!isKnown) throw error;
    const found = await Promise.all(rest.map((name) => findElsewhere(name, records)));
    return found.flat();
  });
  return [...new Set(own), ...managed];
}

/** One that a manager of ours does not know: what is left of a run, or another user's. */
async function findElsewhere(name: string, records: readonly UnitRecord[]): Promise<Found[]> {
  try {
    return await findNamedUnits([name], records);
  } catch (error) {
    const left = records
      .filter(({ unit, profile }) => [unit, unit.replace(/\.\w+$/, ''), profile].includes(name))
      .filter((record) => isRunning(record));
    if (left.length > 0) return left.map(goneUnit);
    const foreign = findForeign(name);
    if (foreign.length === 0) throw error;
    return foreign.map((unit) => ({ ...unit, remark: foreignRemark(unit) }));
  }
}

/** A run that goes on although its unit has ended: its processes live elsewhere. */
export function goneUnit({ unit, launcher }: UnitRecord): Found {
  const manager = launcher === 'system' ? 'system' : 'user';
  return {
    manager: launcher === 'cgroup' ? 'none' : manager,
    shown: { Id: unit, LoadState: 'not-found', ActiveState: 'inactive' },
  };
}

/**
 * Forgets runs that are over although their rlimit could not do it (it was killed), and clears up
 * behind them. One that is only about to start has an rlimit that lives.
 */
export async function forgetEnded(
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
