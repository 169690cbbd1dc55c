import { constants, writeFileSync } from 'node:fs';
import { CGROUP_ROOT } from './read.js';

/**
 * Writes into a file of a cgroup. Only for writing: cgroup.kill cannot be read by anybody. Without
 * O_CREAT: a file that is not there must not be made, as would happen in a test's tree.
 * @throws {NodeJS.ErrnoException} what the kernel answered
 */
export function writeInto(cgroup: string, file: string, text: string, root = CGROUP_ROOT): void {
  const path = `${root}${cgroup === '/' ? '' : cgroup}/${file}`;
  writeFileSync(path, text, { flag: constants.O_WRONLY as never });
}
