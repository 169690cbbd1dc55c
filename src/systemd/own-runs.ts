/** Runs that systemd knows nothing of: in cgroups of their own, or watched. Their records tell. */

import { CGROUP_ROOT, Family, isAlive, isPopulated, processesIn } from '../cgroup/index.js';
import type { UnitRecord } from '../model/index.js';

/** One such run that is alive. */
export interface OwnRun {
  record: UnitRecord;
  /** Its processes now. */
  pids(): number[];
  /** Whether the rlimit that started it is alive. */
  hasRunner: boolean;
}

export interface OwnRunOptions {
  root?: string;
  proc?: string;
}

/** Tells whether a run was started without systemd. */
export function isOwnRun({ launcher }: Pick<UnitRecord, 'launcher'>): boolean {
  return launcher === 'cgroup' || launcher === 'watched';
}

/** Those that have live processes. */
export function liveOwnRuns(
  records: readonly UnitRecord[],
  { root = CGROUP_ROOT, proc = '/proc' }: OwnRunOptions = {},
): OwnRun[] {
  return records.filter(isOwnRun).flatMap((record) => {
    const pids = pidsOf(record, records, { root, proc });
    const isAlive =
      record.cgroup === undefined ? pids().length > 0 : isPopulated(record.cgroup, root);
    return isAlive ? [{ record, pids, hasRunner: isRunning(record, proc) }] : [];
  });
}

/** Whether the rlimit of a run is alive, and not another process with its PID. */
export function isRunning({ runner }: Pick<UnitRecord, 'runner'>, proc = '/proc'): boolean {
  return runner !== undefined && isAlive(runner, proc);
}

function pidsOf(
  { cgroup, unit }: UnitRecord,
  records: readonly UnitRecord[],
  { root, proc }: Required<OwnRunOptions>,
): () => number[] {
  if (cgroup !== undefined) return () => processesIn(cgroup, root);
  // A run inside belongs to this one as well.
  const units = [unit];
  for (const inner of units) {
    units.push(
      ...records
        .filter(({ within, unit: each }) => within === inner && !units.includes(each))
        .map((each) => each.unit),
    );
  }
  return () => {
    const family = new Family({ unit: units, proc });
    const members = family.look().filter(({ state }) => state !== 'Z');
    family.close();
    return members.map(({ pid }) => pid);
  };
}
