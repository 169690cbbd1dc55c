import { readFileSync } from 'node:fs';
import type { Scene } from './decide/types.js';

/** Groups whose members may become root: Debian and Ubuntu, Fedora and Arch, older Ubuntu. */
const ADMIN_GROUPS = ['sudo', 'wheel', 'admin'];

/**
 * Who guards, and who of the users is an administrator by the files of accounts. A member that only a
 * directory service knows is not seen.
 * @param root directory that holds `etc`; another tree in tests
 */
export function readScene({
  self = process.pid,
  uid = process.geteuid?.() ?? 0,
  root = '',
}: {
  self?: number;
  uid?: number;
  root?: string;
} = {}): Scene {
  const members = linesOf(`${root}/etc/group`)
    .filter(([group = '']) => ADMIN_GROUPS.includes(group))
    .flatMap(([, , , list = '']) => list.split(','));
  const accounts = linesOf(`${root}/etc/passwd`)
    .filter(([name = '']) => members.includes(name))
    .map(([, , id = '']) => Number(id))
    .filter(Number.isSafeInteger);
  // Who guards for itself alone has a way in to keep as well.
  return { self, uid, admins: [...new Set([0, uid, ...accounts])].sort((a, b) => a - b) };
}

function linesOf(file: string): string[][] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
  } catch {
    return [];
  }
}
