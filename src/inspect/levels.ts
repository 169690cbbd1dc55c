/** At which level of the cgroup tree a controller ends. */
import {
  ancestorsOf,
  CGROUP_ROOT,
  CONTROLLERS,
  parseNames,
  readCgroupFile,
} from '../cgroup/index.js';
import type { Controller } from '../model/index.js';

/**
 * The first cgroup from the root down that does not pass a controller on.
 * `kernel`: the root itself has it not. `delegation`: it ends above a user’s manager, whose
 * Delegate= does not ask for it. `unit`: it ends at a cgroup between the manager and the unit.
 */
export interface LostAt {
  cgroup: string;
  why: 'kernel' | 'delegation' | 'unit';
  /** The unit that has it in DisableControllers=; systemd has to be asked. */
  disabledBy?: string;
}

/** For each controller that a cgroup does not have, where it ends. What is unknown is absent. */
export type Lost = Partial<Record<Controller, LostAt>>;

/** One reader reads each file once. */
export function lostReader(root = CGROUP_ROOT): (cgroup: string) => Lost {
  const known = new Map<string, string[] | undefined>();
  const names = (cgroup: string, file: string) => {
    const key = `${cgroup} ${file}`;
    if (!known.has(key)) known.set(key, namesIn(cgroup, file, root));
    return known.get(key);
  };
  return (cgroup) => {
    const lost: Lost = {};
    const own = names(cgroup, 'cgroup.controllers') ?? [];
    for (const controller of CONTROLLERS) {
      const at = own.includes(controller) ? undefined : lostAt(cgroup, controller, names);
      if (at !== undefined) lost[controller] = at;
    }
    return lost;
  };
}

type Names = (cgroup: string, file: string) => string[] | undefined;

function lostAt(cgroup: string, controller: Controller, names: Names): LostAt | undefined {
  const there = names('/', 'cgroup.controllers');
  if (there === undefined) return undefined;
  if (!there.includes(controller)) return { cgroup: '/', why: 'kernel' };
  const manager = /^.*\/user@\d+\.service(?=\/)/.exec(cgroup)?.[0];
  for (const level of ['/', ...ancestorsOf(cgroup).reverse()]) {
    const passed = names(level, 'cgroup.subtree_control');
    if (passed === undefined) return undefined;
    if (passed.includes(controller)) continue;
    const isAbove = manager !== undefined && level.length < manager.length;
    return { cgroup: level, why: isAbove ? 'delegation' : 'unit' };
  }
  return undefined;
}

function namesIn(cgroup: string, file: string, root: string): string[] | undefined {
  try {
    const content = readCgroupFile(cgroup, file, root);
    return content === undefined ? undefined : parseNames(content);
  } catch {
    // Not for us to read: unknown.
    return undefined;
  }
}
