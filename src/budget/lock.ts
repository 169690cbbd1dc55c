import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { CannotRunError } from '../errors/index.js';
import { makeRecordDirectory } from '../state/write.js';

/** Nobody holds the lock for longer than it takes to read some small files. */
const PATIENCE_S = 30;
/** A Ctrl-C at the terminal reaches flock(1) as well as us. */
const ATTEMPTS = 3;

/**
 * Does something while nobody else does anything under the same lock. The kernel holds it
 * (flock(2)), on the open directory itself, so that there is no file to leave behind; it ends with
 * us, however we end. Node has no such call: flock(1) of util-linux takes it on a descriptor that
 * it shares with us, and so it stays taken when flock(1) ends.
 * @param directory made where it is missing
 * @throws {CannotRunError} when it cannot be had
 */
export function withLock<T>(directory: string, work: () => T): T {
  makeRecordDirectory(directory);
  const descriptor = openSync(directory, 'r');
  try {
    takeLock(descriptor, directory);
    return work();
  } finally {
    closeSync(descriptor);
  }
}

function takeLock(descriptor: number, directory: string): void {
  for (let attempt = 1; ; attempt += 1) {
    const { status, signal, error, stderr } = spawnSync(
      'flock',
      ['-x', '-w', String(PATIENCE_S), '3'],
      { stdio: ['ignore', 'ignore', 'pipe', descriptor], encoding: 'utf8' },
    );
    if (status === 0) return;
    if (signal !== null && attempt < ATTEMPTS) continue;
    throw new CannotRunError(`the lock on ${directory} could not be taken`, {
      why: reasonOf(status, error, stderr ?? ''),
    });
  }
}

function reasonOf(status: number | null, error: Error | undefined, stderr: string): string {
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') {
    return 'flock was not found; it comes with util-linux. Without it two runs could take the last room of the budget.';
  }
  if (error !== undefined) return error.message;
  if (status === 1 && stderr === '') {
    return `Another rlimit has held it for ${PATIENCE_S} s; it may be stopped.`;
  }
  return stderr.trim() || 'flock was ended by a signal.';
}
