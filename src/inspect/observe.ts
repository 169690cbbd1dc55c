import {
  CGROUP_ROOT,
  CgroupFileError,
  type KernelFiles,
  readCgroupFile,
  USAGE_FILES,
  usageOf,
} from '../cgroup/index.js';
import type { Observation, Usage } from '../model/index.js';
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
 * that has no limits. What cannot be read is left out, and said in `partial`.
 */
export function observe(
  { shown, manager }: FoundUnit,
  root = CGROUP_ROOT,
): Observation | undefined {
  const { Id: unit = '', LoadState, ActiveState, Description, Result, Slice, ControlGroup } = shown;
  const kind = kindOf(unit);
  if (kind === undefined) return undefined;
  const since = sinceOf(shown);
  const { kernel, unreadable, isThere } = readKernel(ControlGroup, root);
  const { usage, odd } = tolerantUsage(kernel);
  const partial = [
    ...(ControlGroup && !isThere && ActiveState === 'active' ? [VANISHED] : []),
    ...Object.entries(unreadable).map(([file, why]) => `${file} cannot be read: ${why}`),
    ...odd,
  ];
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
    ...(ControlGroup && isThere ? { cgroup: ControlGroup } : {}),
    systemd: shown,
    kernel,
    ...(Object.keys(unreadable).length === 0 ? {} : { unreadable }),
    ...(partial.length === 0 ? {} : { partial }),
    usage,
  };
}

const VANISHED =
  'its cgroup was gone when it was to be read: the unit ended meanwhile, or was moved';

interface KernelView {
  kernel: KernelFiles;
  /** File → why not. */
  unreadable: Record<string, string>;
  /** A unit that ended between the question and the reading, or during it, has no files any more. */
  isThere: boolean;
}

function readKernel(cgroup: string | undefined, root: string): KernelView {
  const view: KernelView = { kernel: {}, unreadable: {}, isThere: false };
  if (!cgroup) return view;
  for (const file of UNIT_FILES) {
    const content = attempt(cgroup, file, root, view.unreadable);
    if (content !== undefined) view.kernel[file] = content;
  }
  // Half of the files of a cgroup that goes meanwhile would look like a kernel without the others.
  const stillThere = attempt(cgroup, 'cgroup.controllers', root, view.unreadable) !== undefined;
  const isDenied = view.unreadable['cgroup.controllers'] !== undefined;
  view.isThere = stillThere || isDenied;
  return view.isThere ? view : { ...view, kernel: {}, unreadable: {} };
}

function attempt(
  cgroup: string,
  file: string,
  root: string,
  unreadable: Record<string, string>,
): string | undefined {
  try {
    return readCgroupFile(cgroup, file, root);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    unreadable[file] = code === 'EACCES' || code === 'EPERM' ? 'permission denied' : message;
    return undefined;
  }
}

/** A file in the format of another kernel costs its own figures, and not the others. */
function tolerantUsage(kernel: KernelFiles): { usage: Usage; odd: string[] } {
  const odd: string[] = [];
  const usage: Usage = {};
  for (const file of USAGE_FILES) {
    const content = kernel[file];
    if (content === undefined) continue;
    try {
      Object.assign(usage, usageOf({ [file]: content }));
    } catch (error) {
      if (!(error instanceof CgroupFileError)) throw error;
      odd.push(error.message);
    }
  }
  return { usage, odd };
}

/** systemd gives µs on the clock that process.hrtime reads (CLOCK_MONOTONIC), free of time zones. */
function sinceOf({ ActiveEnterTimestampMonotonic = '' }: Shown): string | undefined {
  if (!/^[1-9]\d{0,17}$/.test(ActiveEnterTimestampMonotonic)) return undefined;
  const startedUsec = BigInt(ActiveEnterTimestampMonotonic);
  const ageMs = Number(process.hrtime.bigint() / 1000n - startedUsec) / 1000;
  return new Date(Date.now() - ageMs).toISOString();
}
