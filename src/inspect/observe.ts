import { CGROUP_ROOT, readLimitFiles, USAGE_FILES, usageOf } from '../cgroup/index.js';
import type { Observation } from '../model/index.js';
import { PROPERTY_NAMES } from '../properties/index.js';
import type { FoundUnit } from '../systemd/find.js';
import { kindOf, type Shown } from '../systemd/show.js';
import { filesOf } from './verify.js';

/** Files read of each unit's cgroup: limits, use, and whether it is stalled. */
const UNIT_FILES = [
  ...new Set<string>([
    'cgroup.controllers',
    'memory.pressure',
    ...USAGE_FILES,
    ...PROPERTY_NAMES.flatMap(filesOf),
  ]),
];

/**
 * Adds to what systemd says of a unit what the kernel says of it now. Absent for a unit of a type
 * that has no limits.
 * @throws {CgroupFileError} when a figure of its use makes no sense
 */
export function observe(
  { shown, manager }: FoundUnit,
  root = CGROUP_ROOT,
): Observation | undefined {
  const { Id: unit = '', LoadState, ActiveState, Description, Result, Slice, ControlGroup } = shown;
  const kind = kindOf(unit);
  if (kind === undefined) return undefined;
  const since = sinceOf(shown);
  const kernel = ControlGroup ? readLimitFiles(ControlGroup, UNIT_FILES, root) : {};
  // A scope that ended between the question and the reading has no files any more.
  const cgroup = kernel['cgroup.controllers'] === undefined ? undefined : ControlGroup;
  return {
    unit,
    kind,
    manager,
    loadState: LoadState ?? 'not-found',
    activeState: ActiveState ?? 'inactive',
    ...(Description ? { description: Description } : {}),
    ...(Result ? { result: Result } : {}),
    ...(Slice ? { slice: Slice } : {}),
    ...(since === undefined ? {} : { since }),
    ...(cgroup ? { cgroup } : {}),
    systemd: shown,
    kernel,
    usage: usageOf(kernel),
  };
}

/** systemd gives µs on the clock that process.hrtime reads (CLOCK_MONOTONIC), free of time zones. */
function sinceOf({ ActiveEnterTimestampMonotonic }: Shown): string | undefined {
  const startedUsec = Number(ActiveEnterTimestampMonotonic);
  if (!(startedUsec > 0)) return undefined;
  const ageMs = Number(process.hrtime.bigint() / 1000n - BigInt(startedUsec)) / 1000;
  return new Date(Date.now() - ageMs).toISOString();
}
