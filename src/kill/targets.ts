import { CGROUP_ROOT, cgroupOf, isWithin, subtree } from '../cgroup/index.js';
import { UnavailableError, UsageError } from '../errors/index.js';
import type { UnitKind, UnitRecord } from '../model/index.js';
import type { ManagerKind } from '../systemd/client.js';
import { type FoundUnit, findNamedUnits, findOurUnits } from '../systemd/find.js';
import { kindOf } from '../systemd/show.js';

/** A unit to end. */
export interface Target {
  unit: string;
  kind: UnitKind;
  manager: ManagerKind;
  /** Absent when it has no processes. */
  cgroup?: string;
}

/**
 * Every scope of ours. It is the emergency switch: where systemd does not answer, they are looked
 * for in the cgroup tree itself.
 * @throws {UnavailableError} when systemd does not answer and the tree has none
 */
export async function ourScopes(
  records: readonly UnitRecord[],
  { root = CGROUP_ROOT, uid = process.getuid?.() ?? 0, find = findOurUnits } = {},
): Promise<Target[]> {
  try {
    return (await find(records)).flatMap(targetOf).filter(({ kind }) => kind === 'scope');
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    const found = scopesInTree(records, `/user.slice/user-${uid}.slice`, root);
    if (found.length === 0) throw error;
    return found;
  }
}

/**
 * The units that names stand for.
 * @throws {UsageError} for one that would take the session or the system with it, unless forced
 */
export async function namedTargets(
  names: readonly string[],
  records: readonly UnitRecord[],
  { force = false, proc = '/proc', find = findNamedUnits } = {},
): Promise<Target[]> {
  const targets = (await find(names, records)).flatMap(targetOf);
  const own = cgroupOf('self', proc);
  for (const target of targets) if (!force) refuseVital(target, own, records);
  return targets;
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

function targetOf({ shown, manager }: FoundUnit): Target[] {
  const unit = shown.Id ?? '';
  const kind = kindOf(unit);
  if (kind === undefined) return [];
  return [{ unit, kind, manager, ...(shown.ControlGroup ? { cgroup: shown.ControlGroup } : {}) }];
}

function scopesInTree(records: readonly UnitRecord[], top: string, root: string): Target[] {
  return subtree(top, root).flatMap((cgroup) => {
    const unit = cgroup.slice(cgroup.lastIndexOf('/') + 1);
    if (kindOf(unit) !== 'scope' || !isOurs(unit, records)) return [];
    return [{ unit, kind: 'scope' as const, manager: 'user' as const, cgroup }];
  });
}
