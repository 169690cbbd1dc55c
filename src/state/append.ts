/**
 * Files of lines that grow at their end: the history of runs, the log of alerts. On the way of `run`, so
 * synchronous and without anything that takes time to load.
 *
 * Many processes may append at once, and each may be killed at any moment:
 * - A line is appended with one write(2). The kernel holds the file's lock for that long, so lines
 *   never mix (on NFS with several computers they can; readers pass over what they cannot read).
 * - A file that is full becomes the old generation by a rename, which only the holder of a lock on
 *   that very file does. Nothing is ever rewritten, so there is nothing that could be lost half-way.
 */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs';

/** The generation before the one that is written. */
export function olderFile(file: string): string {
  return `${file}.1`;
}

/**
 * Appends a line, which has no line break in it.
 * @param limit bytes above which the file becomes the old generation
 * @throws {Error} saying why the file has not got it (no space, no permission, a symbolic link), or why
 *   it could not be bounded
 */
export function appendLine(file: string, text: string, limit: number): void {
  const line = `${text}\n`;
  const trouble = rotateWhenFull(file, limit);
  // Where somebody has removed the file since it was opened, the line is gone with it: once more.
  if (!append(file, line)) append(file, line);
  if (trouble !== undefined) throw trouble;
}

/** @returns whether the line is in a file that still has a name */
function append(file: string, line: string): boolean {
  const descriptor = openLines(file);
  try {
    const text = endsLine(descriptor) ? line : `\n${line}`;
    writeAtOnce(descriptor, Buffer.from(text));
    return fstatSync(descriptor).nlink > 0 || isAt(file, descriptor);
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`);
  } finally {
    closeSync(descriptor);
  }
}

/** What is no regular file (a link to somewhere, a device, a FIFO without a reader) is refused. */
export const APPEND_FLAGS =
  constants.O_RDWR |
  constants.O_APPEND |
  constants.O_CREAT |
  constants.O_NOFOLLOW |
  constants.O_NONBLOCK;

function openLines(file: string): number {
  const descriptor = openOrMake(file);
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  throw new Error(`${file} is not a regular file`);
}

/** The directory is made when it is seen to be missing: once in the life of a home directory. */
function openOrMake(file: string): number {
  try {
    return openSync(file, APPEND_FLAGS, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    mkdirSync(file.slice(0, file.lastIndexOf('/')), { recursive: true, mode: 0o700 });
    return openSync(file, APPEND_FLAGS, 0o600);
  }
}

/**
 * Whether the file ends with a whole line. It does not after a crash or a full disk. Somebody
 * else's write may be under way as well: then there is one empty line too many, which harms nobody.
 */
function endsLine(descriptor: number): boolean {
  const { size } = fstatSync(descriptor);
  const last = Buffer.alloc(1);
  return size === 0 || readSync(descriptor, last, 0, 1, size - 1) === 0 || last[0] === 0x0a;
}

/** @throws {Error} when not all bytes could be written; what was written is ended as a line */
function writeAtOnce(descriptor: number, bytes: Buffer): void {
  const written = writeSync(descriptor, bytes);
  if (written === bytes.length) return;
  // The rest would not be in one piece with it any more. On a full disk this says so itself.
  writeSync(descriptor, '\n');
  throw new Error(`only ${written} of ${bytes.length} bytes could be written`);
}

/**
 * Makes a full file the old generation. The lock is on the file itself, so who holds it and sees
 * the file still under its name is the only one who may rename it: a second one finds another file
 * there, a fresh one, which it leaves alone. Nobody waits: while one process renames, all others append
 * to the full file under whatever name.
 * @returns why it could not be done, where it should have been
 */
function rotateWhenFull(file: string, limit: number): Error | undefined {
  let descriptor: number | undefined;
  try {
    const { size = 0 } = lstatSync(file, { throwIfNoEntry: false }) ?? {};
    if (size < limit) return undefined;
    descriptor = openLines(file);
    if (fstatSync(descriptor).size < limit) return undefined;
    if (lock(descriptor) && isAt(file, descriptor)) renameSync(file, olderFile(file));
    return undefined;
  } catch (error) {
    // Somebody took it away.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    return new Error(`${file} is full and could not be set aside: ${(error as Error).message}`);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/**
 * Locks a file with flock(1), since Node has no flock(2). The lock belongs to the open file that
 * flock inherits from us, so it outlives flock and ends when we close it, or die.
 * @returns false where another process has it
 */
function lock(descriptor: number): boolean {
  const { status, error } = spawnSync('flock', ['-x', '-n', '3'], {
    stdio: ['ignore', 'ignore', 'ignore', descriptor],
    timeout: 5000,
  });
  if (error !== undefined) throw new Error(`flock of util-linux: ${error.message}`);
  return status === 0;
}

/** Whether the open file is the one that has the name. Inodes may need all 64 bits. */
function isAt(file: string, descriptor: number): boolean {
  const named = lstatSync(file, { bigint: true, throwIfNoEntry: false });
  const open = fstatSync(descriptor, { bigint: true });
  return named?.ino === open.ino && named.dev === open.dev;
}
