import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { isAlive } from '../cgroup/process.js';
import { UnavailableError } from '../errors/index.js';
import { readJournal } from './journal.js';

/**
 * Takes the lock of a guard's directory, which the kernel holds until this process ends (flock(2), on a
 * descriptor that flock(1) of util-linux shares with us: Node has no such call).
 * @returns a function that lets go of it; or the PID of the guard that has it, where that is known
 * @throws {UnavailableError} where there is no flock(1)
 */
export function takeGuardLock(directory: string): { release(): void } | { holder?: number } {
  const descriptor = openSync(`${directory}/lock`, 'a', 0o644);
  const { status, error } = spawnSync('flock', ['-x', '-n', '3'], {
    stdio: ['ignore', 'ignore', 'ignore', descriptor],
    timeout: 10_000,
  });
  if (status === 0) return { release: () => closeSync(descriptor) };
  closeSync(descriptor);
  if (error !== undefined) {
    throw new UnavailableError('the lock of the guard cannot be taken', {
      why: `${error.message}. flock comes with util-linux.`,
    });
  }
  const guard = readJournal(directory)?.guard;
  return guard !== undefined && isAlive(guard) ? { holder: guard.pid } : {};
}
