import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UnavailableError, UsageError } from '../errors/index.js';
import { reasonOf } from './reason.js';

/** What was written. */
export interface Written {
  file: string;
  /** The former content, where there was one. */
  backup?: string;
}

export interface ReplaceOptions {
  overwrite: boolean;
  backup?: boolean;
  mode?: number;
}

/**
 * Gives a file new content: all of it or none, also through a power cut. A former content is kept
 * beside it; a symbolic link stays one, and the file it leads to is replaced.
 * @param overwrite whether a file may be there already
 * @param backup whether the former content is worth keeping
 * @param mode permission bits; those of the former file, or 0644, where it is not given
 * @throws {UsageError} when there is one and it may not
 * @throws {UnavailableError} when the file system refuses; nothing has changed then
 */
export function replaceFile(
  path: string,
  text: string,
  { overwrite, backup: keep = true, mode: wanted }: ReplaceOptions,
): Written {
  let temporary: string | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true });
    const target = targetOf(path);
    const mode = modeOf(target);
    if (mode !== undefined && !overwrite) throw alreadyThere(path);
    temporary = writeBeside(target, text, wanted ?? mode ?? 0o644);
    const backup = mode === undefined || !keep ? undefined : backUp(target);
    if (overwrite) renameSync(temporary, target);
    else linkSync(temporary, target);
    syncDirectory(dirname(target));
    return { file: path, ...(backup === undefined ? {} : { backup }) };
  } catch (error) {
    if (error instanceof UsageError || error instanceof UnavailableError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw alreadyThere(path);
    throw new UnavailableError(`${path} cannot be written: ${reasonOf(error)}`, {
      why: 'Nothing has changed.',
    });
  } finally {
    if (temporary !== undefined) rmSync(temporary, { force: true });
  }
}

/**
 * Takes a file away; its content is kept beside it.
 * @returns the path of the backup
 * @throws {UnavailableError} when the file system refuses
 */
export function removeFile(path: string): string {
  try {
    const backup = backUp(path);
    rmSync(path);
    syncDirectory(dirname(path));
    return backup;
  } catch (error) {
    throw new UnavailableError(`${path} cannot be removed: ${reasonOf(error)}`);
  }
}

function alreadyThere(path: string): UsageError {
  return new UsageError(`${path} is there already`, {
    remedy: 'rlimit profile edit, or --force (the old one is kept as a backup)',
  });
}

/** Where a path leads. A link to nothing is refused: what it was meant for cannot be known. */
function targetOf(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    if (isLink(path)) {
      throw new UnavailableError(`${path} is a symbolic link that leads nowhere`, {
        remedy: `rm ${path}`,
      });
    }
    return path;
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

/** Permission bits of a regular file, or undefined when there is nothing. */
function modeOf(path: string): number | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats && !stats.isFile()) throw new UnavailableError(`${path} is not a regular file`);
  return stats && stats.mode & 0o777;
}

function writeBeside(target: string, text: string, mode: number): string {
  const random = randomBytes(6).toString('hex');
  const path = join(dirname(target), `.${basename(target)}.${random}.tmp`);
  const descriptor = openSync(path, 'wx', 0o600);
  try {
    writeFileSync(descriptor, text);
    fchmodSync(descriptor, mode);
    fsyncSync(descriptor);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
  return path;
}

/** Copies a file to the first free name of `FILE.bak`, `FILE.bak2` …: no backup is overwritten. */
function backUp(path: string): string {
  for (let number = 1; ; number += 1) {
    const backup = `${path}.bak${number === 1 ? '' : number}`;
    try {
      copyFileSync(path, backup, constants.COPYFILE_EXCL);
      return backup;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      // Half a backup is worse than none.
      rmSync(backup, { force: true });
      throw error;
    }
  }
}

/** Makes the new name last as well as the content. Some file systems cannot; they do not need it. */
function syncDirectory(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } catch {
    // EINVAL: a directory cannot be synced here.
  } finally {
    closeSync(descriptor);
  }
}
