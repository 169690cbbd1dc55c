import { readFileSync } from 'node:fs';

/** Where systemd mounts the cgroup v2 tree (file-hierarchy(7)). */
export const CGROUP_ROOT = '/sys/fs/cgroup';

/** cgroup file name → content without the last newline; a file that is not there is absent. */
export type KernelFiles = Record<string, string>;

/**
 * Reads files of one cgroup, synchronously: `run` does this between the start of a scope and the
 * start of the command, where every import and every tick counts.
 * @param cgroup path below the root, beginning with a slash, as /proc/PID/cgroup writes it
 * @throws {Error} the system's own, which names the file, where one is there but not readable
 */
export function readLimitFiles(
  cgroup: string,
  files: Iterable<string>,
  root = CGROUP_ROOT,
): KernelFiles {
  const found: KernelFiles = {};
  for (const file of files) {
    const content = readCgroupFile(cgroup, file, root);
    if (content !== undefined) found[file] = content;
  }
  return found;
}

/** Reads one file of a cgroup; absent when the file, or by now the whole cgroup, is gone. */
export function readCgroupFile(
  cgroup: string,
  file: string,
  root = CGROUP_ROOT,
): string | undefined {
  try {
    return readFileSync(`${root}${cgroup === '/' ? '' : cgroup}/${file}`, 'utf8').replace(
      /\n$/,
      '',
    );
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/**
 * Tells whether an error means that there is nothing to read: the file is not there, the cgroup
 * was removed while its file was open (ENODEV), or the kernel was built or booted without that
 * measure (EOPNOTSUPP, from the pressure files under psi=0).
 */
export function isGone(error: unknown): boolean {
  return GONE.has((error as NodeJS.ErrnoException | undefined)?.code ?? '');
}

const GONE = new Set(['ENOENT', 'ENODEV', 'ENOTDIR', 'EOPNOTSUPP', 'ENOTSUP', 'ESRCH']);
