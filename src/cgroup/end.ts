import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseFlatKeyed } from './parse.js';
import { CGROUP_ROOT, isGone, readCgroupFile } from './read.js';

/** Tells whether any live process is in a cgroup or below it. One that is gone has none. */
export function isPopulated(cgroup: string, root = CGROUP_ROOT): boolean {
  const events = readCgroupFile(cgroup, 'cgroup.events', root);
  return events !== undefined && parseFlatKeyed(events, 'cgroup.events').populated !== 0;
}

/**
 * Waits until the last process of a cgroup has ended. It polls one small file: inotify on
 * cgroup.events works too, but races with the removal of the cgroup.
 * @returns whether it did so within `timeoutMs`
 */
export async function waitUntilEmpty(
  cgroup: string,
  { timeoutMs, root = CGROUP_ROOT }: { timeoutMs: number; root?: string },
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (let pauseMs = 1; isPopulated(cgroup, root); pauseMs = Math.min(pauseMs * 2, 50)) {
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) return false;
    await sleep(Math.min(pauseMs, leftMs));
  }
  return true;
}

/**
 * Kills every process of a cgroup and below at once (cgroup.kill, Linux 5.14 and later). No fork
 * can outrun it: the kernel kills a child that is born meanwhile.
 * @returns false when this kernel, or this cgroup by now, has no such file
 */
export function killAtOnce(cgroup: string, root = CGROUP_ROOT): boolean {
  return writeControl(cgroup, 'cgroup.kill', '1', root);
}

/** Stops or resumes all processes of a cgroup. Returns false when it has no such control. */
export function freeze(cgroup: string, frozen: boolean, root = CGROUP_ROOT): boolean {
  return writeControl(cgroup, 'cgroup.freeze', frozen ? '1' : '0', root);
}

function writeControl(cgroup: string, file: string, value: string, root: string): boolean {
  try {
    // The flag: a file that is not there must not be made, as would happen in a test's tree.
    writeFileSync(`${root}${cgroup}/${file}`, value, { flag: 'r+' });
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}
