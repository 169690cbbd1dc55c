/** Units of other users' managers, which answer only their own user: the kernel alone is asked. */
import { readdirSync } from 'node:fs';
import { CGROUP_ROOT, subtree } from '../cgroup/index.js';
import type { FoundUnit } from '../systemd/find.js';
import { kindOf } from '../systemd/show.js';

/** A unit of somebody else's. */
export interface ForeignUnit extends FoundUnit {
  uid: number;
}

/** @param uid whose units are not foreign */
export function findForeign(
  name: string,
  { root = CGROUP_ROOT, uid = process.getuid?.() ?? 0 }: { root?: string; uid?: number } = {},
): ForeignUnit[] {
  const names = kindOf(name) === undefined ? SUFFIXES.map((suffix) => name + suffix) : [name];
  return managersIn(root)
    .filter((manager) => manager.uid !== uid)
    .flatMap((manager) =>
      treeOf(manager.cgroup, root).flatMap((cgroup) => {
        const unit = cgroup.slice(cgroup.lastIndexOf('/') + 1);
        if (!names.includes(unit)) return [];
        const shown = {
          Id: unit,
          LoadState: 'loaded',
          ActiveState: 'active',
          ControlGroup: cgroup,
        };
        return [{ manager: 'user' as const, shown, uid: manager.uid }];
      }),
    );
}

/** What is to be said of such a unit. */
export function foreignRemark({ uid }: ForeignUnit): string {
  return (
    `it is a unit of user ${uid}, whose manager answers only that user: what was asked and what ` +
    'systemd holds is not known'
  );
}

const SUFFIXES = ['.scope', '.service', '.slice'];

function managersIn(root: string): { uid: number; cgroup: string }[] {
  return entries(`${root}/user.slice`).flatMap((slice) => {
    const uid = /^user-(\d+)\.slice$/.exec(slice)?.[1];
    return uid === undefined
      ? []
      : [{ uid: Number(uid), cgroup: `/user.slice/${slice}/user@${uid}.service` }];
  });
}

/** What of the tree may be read. */
function treeOf(cgroup: string, root: string): string[] {
  try {
    return subtree(cgroup, root);
  } catch {
    return [];
  }
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
