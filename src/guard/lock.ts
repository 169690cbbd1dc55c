import { spawnSync } from 'node:child_process';
import { closeSync, fstatSync, openSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { isAlive } from '../cgroup/process.js';
import { UnavailableError } from '../errors/index.js';
import { makeGuardDirectory, readJournal } from './journal.js';

/**
 * Takes the lock of a guard's directory, which the kernel holds until this process ends (flock(2), on a
 * descriptor that flock(1) of util-linux shares with us: Node has no such call).
 * @returns a function that lets go of it; or the PID of the guard that has it, where that is known
 * @throws {UnavailableError} where there is no flock(1)
 */
export function takeGuardLock(
  directory: string,
  uid = process.geteuid?.() ?? 0,
): { release(): void } | { holder?: number } {
  for (;;) {
    makeGuardDirectory(directory, uid);
    const descriptor = openSync(`${directory}/lock`, 'a', 0o644);
    if (!isLocked(descriptor)) {
      closeSync(descriptor);
      const guard = readJournal(directory)?.guard;
      return guard !== undefined && isAlive(guard) ? { holder: guard.pid } : {};
    }
    // One that ended just now has taken the file away that was opened: once more.
    if (isAt(`${directory}/lock`, descriptor)) {
      return { release: () => release(directory, uid, descriptor) };
    }
    closeSync(descriptor);
  }
}

/** Root's directory is made by systemd, and stays. Of a user's nothing is left where nothing is in it. */
function release(directory: string, uid: number, descriptor: number): void {
  try {
    if (uid !== 0) {
      rmSync(`${directory}/lock`, { force: true });
      rmdirSync(directory);
    }
  } catch {
    // Something is in it that somebody may ask for.
  } finally {
    closeSync(descriptor);
  }
}

/** @throws {UnavailableError} */
function isLocked(descriptor: number): boolean {
  const { status, error } = spawnSync('flock', ['-x', '-n', '3'], {
    stdio: ['ignore', 'ignore', 'ignore', descriptor],
    timeout: 10_000,
  });
  if (error !== undefined) {
    closeSync(descriptor);
    throw new UnavailableError('the lock of the guard cannot be taken', {
      why: `${error.message}. flock comes with util-linux.`,
    });
  }
  return status === 0;
}

function isAt(path: string, descriptor: number): boolean {
  const named = statSync(path, { bigint: true, throwIfNoEntry: false });
  const open = fstatSync(descriptor, { bigint: true });
  return named?.ino === open.ino && named.dev === open.dev;
}
