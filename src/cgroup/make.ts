/** Making cgroups by hand, where no systemd does it. Synchronous: it is on the way of `run`. */
import { accessSync, constants, mkdirSync, rmdirSync } from 'node:fs';
import type { Controller } from '../model/index.js';
import { pause } from './end.js';
import { parseNames } from './parse.js';
import { CGROUP_ROOT, readCgroupFile } from './read.js';
import { subtree } from './tree.js';
import { writeInto } from './write.js';

/** Where root's runs live below the root of the tree. It goes with the last of them. */
export const OWN_BASE = '/rlimit';

/**
 * Makes a cgroup and those above it that are missing. One that is there already is no error.
 * @throws {Error} the system's own
 */
export function makeCgroup(cgroup: string, root = CGROUP_ROOT): void {
  mkdirSync(`${root}${cgroup}`, { recursive: true });
}

/**
 * Writes a value into a file of a cgroup. What the kernel does not take (no such file, a value out
 * of range, a device that is not there) is seen when it is read back.
 * @returns the system's code of the failure, `ENOENT`, `EINVAL` …; undefined when it was written
 */
export function writeCgroupFile(
  cgroup: string,
  file: string,
  text: string,
  root = CGROUP_ROOT,
): string | undefined {
  try {
    writeInto(cgroup, file, text, root);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'EIO';
  }
}

/** How often and how long a busy cgroup is waited for. */
const BUSY_TRIES = 10;
const BUSY_PAUSE_MS = 5;

/**
 * Lets the children of a cgroup have controllers. Each by itself: one that is not there must not
 * keep the others away. The kernel may say EBUSY for a moment after the last process has left
 * (crun met that, pull request 758), so it is asked again.
 * @returns those that could not be enabled
 */
export function enableControllers(
  cgroup: string,
  wanted: readonly Controller[],
  root = CGROUP_ROOT,
): Controller[] {
  const enabled = parseNames(readCgroupFile(cgroup, 'cgroup.subtree_control', root) ?? '');
  return wanted.filter((controller) => {
    if (enabled.includes(controller)) return false;
    for (let tries = 0; tries < BUSY_TRIES; tries += 1) {
      const failure = writeCgroupFile(cgroup, 'cgroup.subtree_control', `+${controller}`, root);
      if (failure !== 'EBUSY') return failure !== undefined;
      pause(BUSY_PAUSE_MS);
    }
    return true;
  });
}

/**
 * Removes a cgroup with all below it, where no process is left. The last one may still be on its
 * way out, so it is tried for a moment.
 * @param below whether those below it go as well; without, one that has some stays
 * @returns whether it is gone
 */
export function removeCgroup(cgroup: string, root = CGROUP_ROOT, { below = true } = {}): boolean {
  if (!below) return removeOne(`${root}${cgroup}`);
  for (let tries = 0; tries < BUSY_TRIES; tries += 1) {
    if (tries > 0) pause(BUSY_PAUSE_MS);
    if (
      subtree(cgroup, root)
        .reverse()
        .every((path) => removeOne(`${root}${path}`))
    )
      return true;
  }
  return false;
}

/** Removes what was made for a run: its cgroup, and the place of all runs with the last one. */
export function removeRun(cgroup: string, root = CGROUP_ROOT): void {
  removeCgroup(cgroup, root);
  if (cgroup.startsWith(`${OWN_BASE}/`)) removeCgroup(OWN_BASE, root, { below: false });
}

/** Whether the caller may do with a cgroup what making others in it takes. */
export function isWritable(
  cgroup: string,
  files: readonly string[] = ['', 'cgroup.procs', 'cgroup.subtree_control'],
  root = CGROUP_ROOT,
): boolean {
  try {
    for (const file of files) {
      accessSync(`${root}${cgroup === '/' ? '' : cgroup}/${file}`, constants.W_OK);
    }
    return true;
  } catch {
    return false;
  }
}

function removeOne(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
