import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseFlatKeyed } from './parse.js';
import { CGROUP_ROOT, isGone, readCgroupFile } from './read.js';
import { processesIn } from './tree.js';
import { writeInto } from './write.js';

/** Tells whether any live process is in a cgroup or below it. One that is gone has none. */
export function isPopulated(cgroup: string, root = CGROUP_ROOT): boolean {
  const events = readCgroupFile(cgroup, 'cgroup.events', root);
  return events !== undefined && parseFlatKeyed(events, 'cgroup.events').populated !== 0;
}

/** Flag of a process that is on its way out, in field 9 of /proc/PID/stat (PF_EXITING). */
const EXITING = 0x4;

/**
 * Tells whether all processes of a cgroup and below are on their way out: after a SIGKILL to all of
 * them the last ones still count for a moment.
 */
export function isEnding(
  cgroup: string,
  { root = CGROUP_ROOT, proc = '/proc' }: { root?: string; proc?: string } = {},
): boolean {
  return processesIn(cgroup, root).every((pid) => {
    try {
      const stat = readFileSync(`${proc}/${pid}/stat`, 'latin1');
      const flags = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[9 - 3]);
      return (flags & EXITING) !== 0;
    } catch {
      return true;
    }
  });
}

/** How long processes that have to end already may take. */
const ENDING_MS = 1000;
const ENDING_PAUSE_MS = 5;

/**
 * Tells whether processes of a cgroup live on. Those that were killed a moment ago are waited for,
 * as the kernel may have gigabytes to free.
 */
export function staysPopulated(cgroup: string, root = CGROUP_ROOT): boolean {
  for (let waitedMs = 0; isPopulated(cgroup, root); waitedMs += ENDING_PAUSE_MS) {
    if (waitedMs >= ENDING_MS || !isEnding(cgroup, { root })) return true;
    pause(ENDING_PAUSE_MS);
  }
  return false;
}

/** Stands still: for moments in which the kernel is about to be done. */
export function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
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
    writeInto(cgroup, file, value, root);
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}
