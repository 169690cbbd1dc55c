import { CGROUP_ROOT, cgroupOf, isWithin, subtree } from '../cgroup/index.js';
import { UnavailableError, UsageError } from '../errors/index.js';
import type { UnitKind, UnitRecord } from '../model/index.js';
import {
  type FoundUnit,
  findNamedUnits,
  findOurUnits,
  findOwnRuns,
  isWithoutSystemd,
  ownRunsNamed,
} from '../systemd/find.js';
import type { OwnRun } from '../systemd/own-runs.js';
import { kindOf } from '../systemd/show.js';

/** A unit to end. */
export interface Target {
  unit: string;
  kind: UnitKind;
  manager: FoundUnit['manager'];
  /** Absent when it has no processes. */
  cgroup?: string;
  /** A run that was started without systemd. */
  own?: OwnRun;
}

/**
 * Every scope of ours. It is the emergency switch: where systemd does not answer, they are looked
 * for in the cgroup tree itself.
 * @throws {UnavailableError} when systemd does not answer and the tree has none
 */
export async function ourScopes(
  records: readonly UnitRecord[],
  {
    root = CGROUP_ROOT,
    uid = process.getuid?.() ?? 0,
    find = findOurUnits,
    findOwn = findOwnRuns,
    withoutSystemd = isWithoutSystemd,
  } = {},
): Promise<Target[]> {
  const own = findOwn(records).flatMap(targetOf);
  const isOwn = ({ unit }: Target) => own.some((target) => target.unit === unit);
  try {
    const managed = (await find(records)).flatMap(targetOf);
    return [...own, ...managed.filter((each) => each.kind === 'scope' && !isOwn(each))];
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    const found = scopesInTree(records, `/user.slice/user-${uid}.slice`, root);
    if (found.length + own.length === 0 && !withoutSystemd()) throw error;
    return [...own, ...found.filter((each) => !isOwn(each))];
  }
}

/**
 * The units that names stand for.
 * @throws {UsageError} for one that would take the session or the system with it, unless forced
 */
export async function namedTargets(
  names: readonly string[],
  records: readonly UnitRecord[],
  { force = false, proc = '/proc', find = findNamedUnits, findOwn = findOwnRuns } = {},
): Promise<Target[]> {
  const runs = findOwn(records);
  const ownRuns = new Set(names.flatMap((name) => ownRunsNamed(name, runs, records)));
  const rest = names.filter((name) => ownRunsNamed(name, runs, records).length === 0);
  const managed = rest.length === 0 ? [] : await find(rest, records);
  const targets = [...ownRuns, ...managed].flatMap(targetOf).map(withNested(records));
  const own = cgroupOf('self', proc);
  for (const target of targets) if (!force) refuseVital(target, own, records);
  return targets;
}

/** A run with all that was started inside it: the slice that was made for it alone. */
function withNested(records: readonly UnitRecord[]): (target: Target) => Target {
  return (target) => {
    const record = records.find(({ unit }) => unit === target.unit);
    const above = target.cgroup?.slice(0, target.cgroup.lastIndexOf('/'));
    if (record?.ownSlice === undefined || above === undefined) return target;
    return above.endsWith(`/${record.slice}`) ? { ...target, cgroup: above } : target;
  };
}

/** Tells whether `run` made a unit, by its name or its record. */
function isOurs(unit: string, records: readonly UnitRecord[]): boolean {
  return /^rlimit-.*\.scope$/.test(unit) || records.some((record) => record.unit === unit);
}

/**
 * Units whose end ends a session, the way in for an administrator, or the system. systemd's own
 * services and slices are all among them.
 */
const VITAL =
  /^(init\.scope|session-.*\.scope|user@.*\.service|user-runtime-dir@.*|systemd-.*|dbus.*\.service|sshd?(@.*)?\.service|(serial-)?getty@.*|display-manager\.service|gdm.*\.service|sddm\.service|docker\.service|containerd\.service|tmux.*|-\.slice|(system|user|user-.*|machine|session|app|background|init)\.slice)$/;

function refuseVital(
  { unit, cgroup }: Target,
  own: string | undefined,
  records: readonly UnitRecord[],
): void {
  const holdsUs = own !== undefined && cgroup !== undefined && isWithin(own, cgroup);
  if (!VITAL.test(unit) && (!holdsUs || isOurs(unit, records))) return;
  throw new UsageError(`${unit} is not killed`, {
    why: holdsUs
      ? 'You are in it: its end would be that of this shell, and of all else in the unit.'
      : 'It is part of the system or of a session: its end would end what depends on it.',
    remedy: `if that is what you want: rlimit kill --force ${unit}`,
  });
}

function targetOf({ shown, manager, own }: FoundUnit): Target[] {
  const unit = shown.Id ?? '';
  const kind = kindOf(unit);
  if (kind === undefined) return [];
  return [
    {
      unit,
      kind,
      manager,
      ...(shown.ControlGroup ? { cgroup: shown.ControlGroup } : {}),
      ...(own ? { own } : {}),
    },
  ];
}

function scopesInTree(records: readonly UnitRecord[], top: string, root: string): Target[] {
  return subtree(top, root).flatMap((cgroup) => {
    const unit = cgroup.slice(cgroup.lastIndexOf('/') + 1);
    if (kindOf(unit) !== 'scope' || !isOurs(unit, records)) return [];
    return [{ unit, kind: 'scope' as const, manager: 'user' as const, cgroup }];
  });
}
