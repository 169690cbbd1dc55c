/** Where the journal of a plan lies, and who may write. */
import { spawnSync } from 'node:child_process';
import { closeSync, lstatSync, mkdirSync, openSync, realpathSync, rmdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute } from 'node:path';
import { UnavailableError, UsageError } from '../errors/index.js';
import { configHome } from '../profiles/places.js';
import { reasonOf } from '../profiles/reason.js';
import { printable } from '../text/index.js';

/** Root's in /var/lib, a user's in $XDG_STATE_HOME, of a trial in /run: it goes with it at the boot. */
export function journalFolder(
  plan: string,
  {
    root,
    runtime,
    env,
    uid,
  }: { root: string; runtime: boolean; env: NodeJS.ProcessEnv; uid: number },
): string {
  if (root !== '') return `${root}/var/lib/rlimit/apply/${plan}`;
  if (runtime) {
    const base = uid === 0 ? '/run' : (env.XDG_RUNTIME_DIR ?? `/run/user/${uid}`);
    return `${base}/rlimit/apply/${plan}`;
  }
  if (uid === 0) return `/var/lib/rlimit/apply/${plan}`;
  const { XDG_STATE_HOME: state = '', HOME: home = homedir() } = env;
  return `${isAbsolute(state) ? state : `${home}/.local/state`}/rlimit/apply/${plan}`;
}

/** Where a user's own units are. */
export function ownPlaces(uid: number, env: NodeJS.ProcessEnv): string[] {
  return uid === 0
    ? []
    : [`${configHome({ env })}/systemd/user/`, `/run/user/${uid}/systemd/user/`];
}

/**
 * Sees to it that nobody else applies or reverts plans here meanwhile. The kernel holds the lock
 * (flock(2)) on the folder of all plans; it ends with us, however we end.
 * @returns what lets go of it
 * @throws {UnavailableError} when it cannot be had
 */
export function holdPlan(folder: string): () => void {
  const all = dirname(folder);
  let descriptor: number;
  try {
    mkdirSync(all, { recursive: true, mode: 0o700 });
    descriptor = openSync(all, 'r');
  } catch (error) {
    throw new UnavailableError(`${all} cannot be made: ${reasonOf(error)}`, {
      why: 'What was there before is kept in it. Nothing was changed.',
      remedy: 'as root: sudo rlimit apply …; or --root DIR to write into a tree',
    });
  }
  const { status, error } = spawnSync('flock', ['-x', '-n', '3'], {
    stdio: ['ignore', 'ignore', 'ignore', descriptor],
  });
  // Without flock(1) (util-linux) one goes on: two at a time are rare, and the journal is whole.
  if (status === 0 || (error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') {
    return () => {
      closeSync(descriptor);
      // Only where nothing is applied any more.
      removeEmpty(all);
    };
  }
  closeSync(descriptor);
  throw new UnavailableError('another rlimit applies or reverts a plan at this moment', {
    remedy: 'try again when it has ended',
  });
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
    rmdirSync(dirname(folder));
  } catch {
    // Something is in it.
  }
}

/** Where plans may write, `/` at the end for all below. Those of a user are added by the caller. */
const PLACES = [
  '/etc/systemd/system/',
  '/etc/systemd/user/',
  '/etc/systemd/zram-generator.conf',
  '/etc/sysctl.d/',
  '/etc/default/earlyoom',
  '/etc/default/zramswap',
  '/etc/nix/nix.conf',
  '/etc/docker/daemon.json',
  '/run/systemd/system/',
  '/run/systemd/user/',
];

/**
 * Makes sure that a path is one that plans may write to, and that no link on the way leads out of the
 * tree.
 * @param root what stands for `/`
 * @throws {UsageError}
 */
export function checkPlace(path: string, root: string, own: readonly string[] = []): void {
  const isClean =
    !/[\p{Cc}\p{Cf}]/u.test(path) && path.split('/').every((part) => part !== '..' && part !== '.');
  const isKnown = [...PLACES, ...own].some((place) =>
    place.endsWith('/') ? path.startsWith(place) && path.length > place.length : path === place,
  );
  if (!isClean || !isKnown) {
    throw new UsageError(`a plan does not write to ${printable(path)}`, {
      why: 'It writes where systemd, sysctl, earlyoom, zram, Nix and docker have their settings.',
    });
  }
  if (root === '') return;
  const real = nearestReal(dirname(`${root}${path}`));
  const base = realpathSync(root);
  if (real === base || real.startsWith(`${base}/`)) return;
  throw new UsageError(
    `${printable(`${root}${path}`)} leads out of ${printable(root)}, to ${printable(real)}`,
    {
      why: 'A symbolic link in the tree points elsewhere. Nothing was written.',
    },
  );
}

function nearestReal(path: string): string {
  for (let folder = path; ; folder = dirname(folder)) {
    if (lstatSync(folder, { throwIfNoEntry: false }) !== undefined) return realpathSync(folder);
    if (folder === dirname(folder)) return folder;
  }
}
