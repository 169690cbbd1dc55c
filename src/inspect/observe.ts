import {
  ancestorsOf,
  CGROUP_ROOT,
  parseNames,
  readCgroupFile,
  readLimitFiles,
  USAGE_FILES,
  usageOf,
} from '../cgroup/index.js';
import type { Controller, Observation } from '../model/index.js';
import { PROPERTY_NAMES } from '../properties/index.js';
import type { FoundUnit } from '../systemd/find.js';
import { kindOf, type Shown } from '../systemd/show.js';
import { ANCESTOR_FILES } from './ancestors.js';
import type { AncestorFiles } from './context.js';
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

/** The cgroups above a unit with their limits, nearest first. One reader reads each cgroup once. */
export function ancestorReader(root = CGROUP_ROOT): (cgroup: string) => AncestorFiles[] {
  const known = new Map<string, AncestorFiles>();
  return (cgroup) =>
    ancestorsOf(cgroup).map((ancestor) => {
      const files = known.get(ancestor) ?? {
        cgroup: ancestor,
        files: readLimitFiles(ancestor, ANCESTOR_FILES, root),
      };
      known.set(ancestor, files);
      return files;
    });
}

/** Controllers that the units of the manager above a cgroup can have; absent when unknown. */
export function controllersFor(cgroup: string, root = CGROUP_ROOT): Controller[] | undefined {
  const manager = /^.*\/user@\d+\.service(?=\/)/.exec(cgroup)?.[0] ?? '/';
  const content = readCgroupFile(manager, 'cgroup.controllers', root);
  return content === undefined
    ? undefined
    : parseNames(content).filter((name): name is Controller => CONTROLLERS.includes(name));
}

const CONTROLLERS = ['cpu', 'cpuset', 'io', 'memory', 'pids'];

/** systemd gives µs on the clock that process.hrtime reads (CLOCK_MONOTONIC), free of time zones. */
function sinceOf({ ActiveEnterTimestampMonotonic }: Shown): string | undefined {
  const startedUsec = Number(ActiveEnterTimestampMonotonic);
  if (!(startedUsec > 0)) return undefined;
  const ageMs = Number(process.hrtime.bigint() / 1000n - BigInt(startedUsec)) / 1000;
  return new Date(Date.now() - ageMs).toISOString();
}
