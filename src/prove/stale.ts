import { readdirSync, statSync } from 'node:fs';
import { CGROUP_ROOT, isPopulated } from '../cgroup/index.js';

/** What is being set up, or taken down, at this moment has no processes either. */
const STALE_MS = 5 * 60 * 1000;

/**
 * Slices of experiments whose rlimit was killed, so that it could not remove them. Their processes
 * have ended by themselves, as their stdin has.
 * @param parent path of the cgroup that they lie in
 * @param now milliseconds since the epoch
 */
export function staleSlices(
  parent: string,
  { root = CGROUP_ROOT, now = Date.now() }: { root?: string; now?: number } = {},
): string[] {
  return entriesOf(`${root}${parent}`).filter((name) => {
    if (!/^(app-)?rlimit_prove_[a-z0-9]+\.slice$/.test(name)) return false;
    const { mtimeMs } = statSync(`${root}${parent}/${name}`, { throwIfNoEntry: false }) ?? {};
    return (
      mtimeMs !== undefined && now - mtimeMs > STALE_MS && !isPopulated(`${parent}/${name}`, root)
    );
  });
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
