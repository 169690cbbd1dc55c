import { readdirSync, readFileSync } from 'node:fs';
import { parsePids } from './parse.js';
import { CGROUP_ROOT, isGone, readCgroupFile } from './read.js';

/**
 * The cgroup v2 path of a process, beginning with a slash; absent when the process is gone or the
 * machine has no cgroup v2 tree.
 * @param proc where /proc is
 */
export function cgroupOf(pid: number | 'self', proc = '/proc'): string | undefined {
  try {
    return cgroupIn(readFileSync(`${proc}/${pid}/cgroup`, 'utf8'));
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** The cgroup v2 path in the text of a /proc/PID/cgroup (cgroups(7)). */
export function cgroupIn(text: string): string | undefined {
  // A cgroup that was removed below a zombie ends in " (deleted)".
  return /^0::(\/.*?)(?: \(deleted\))?$/m.exec(text)?.[1];
}

/**
 * Path of a slice below the cgroup of its service manager: a dash in the name is a step down
 * (systemd.slice(5)). `app-rlimit.slice` is `/app.slice/app-rlimit.slice`.
 */
export function slicePath(slice: string): string {
  if (slice === '-.slice') return '';
  const parts = slice.replace(/\.slice$/, '').split('-');
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('-')}.slice`).join('');
}

/** All cgroups above one, nearest first, the root left out (it has no limits of its own). */
export function ancestorsOf(cgroup: string): string[] {
  const parts = cgroup.split('/').filter(Boolean);
  return parts.slice(1).map((_, index) => `/${parts.slice(0, parts.length - 1 - index).join('/')}`);
}

/** Tells whether a cgroup is another one, or lies below it. */
export function isWithin(cgroup: string, ancestor: string): boolean {
  return cgroup === ancestor || cgroup.startsWith(`${ancestor === '/' ? '' : ancestor}/`);
}

/** A cgroup and all below it, parents first; empty when it is gone. */
export function subtree(cgroup: string, root = CGROUP_ROOT): string[] {
  let entries: { name: string; isDirectory(): boolean }[];
  try {
    entries = readdirSync(`${root}${cgroup}`, { withFileTypes: true });
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
  const children = entries.filter((entry) => entry.isDirectory());
  return [cgroup, ...children.flatMap(({ name }) => subtree(`${cgroup}/${name}`, root))];
}

/**
 * The processes of a cgroup and of all below it. Those that belong to another PID namespace, which
 * the kernel writes as 0, are left out.
 */
export function processesIn(cgroup: string, root = CGROUP_ROOT): number[] {
  return subtree(cgroup, root).flatMap((path) => {
    const content = readCgroupFile(path, 'cgroup.procs', root);
    return content === undefined ? [] : parsePids(content).filter((pid) => pid > 0);
  });
}
