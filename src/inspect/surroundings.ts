/** What stands above a unit in the cgroup tree. Light: `run` may look at it at its gate. */
import {
  ancestorsOf,
  CGROUP_ROOT,
  parseControllers,
  readCgroupFile,
  readLimitFiles,
} from '../cgroup/index.js';
import type { Controller } from '../model/index.js';
import { ANCESTOR_FILES } from './ancestors.js';
import type { AncestorFiles } from './context.js';

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
  return content === undefined ? undefined : parseControllers(content);
}
