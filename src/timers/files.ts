/** Unit files written and taken away, so that what stood there before comes back. */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UnavailableError } from '../errors/index.js';
import { reasonOf } from '../profiles/reason.js';
import { removeFile, replaceFile } from '../profiles/replace-file.js';
import { originOf, type UnitText, withFormer } from './units.js';

/** What became of a unit file. */
export interface FileChange {
  file: string;
  done: 'written' | 'replaced' | 'unchanged' | 'removed' | 'restored' | 'left';
  /** What stood there and was not ours, or was edited. */
  backup?: string;
}

/**
 * Writes a unit file; what was not written by us, or was edited since, is kept beside it.
 * @throws {UnavailableError} when the file system refuses
 */
export function writeUnit(directory: string, { name, text }: UnitText): FileChange {
  const file = join(directory, name);
  const there = readUnit(file);
  if (there === undefined) {
    replaceFile(file, text, { overwrite: true });
    return { file, done: 'written' };
  }
  const { origin, former } = originOf(there);
  const wanted = withFormer(text, former);
  if (there === wanted) return { file, done: 'unchanged' };
  const { backup } = replaceFile(file, wanted, { overwrite: true, backup: origin !== 'ours' });
  if (origin === 'foreign') {
    replaceFile(file, withFormer(text, backup), { overwrite: true, backup: false });
  }
  return { file, done: 'replaced', ...(backup === undefined ? {} : { backup }) };
}

/**
 * Takes a unit file away; what it replaced comes back. One that is not ours is left.
 * @returns nothing where there is none
 * @throws {UnavailableError} when the file system refuses
 */
export function removeUnit(directory: string, name: string): FileChange | undefined {
  const file = join(directory, name);
  const there = readUnit(file);
  if (there === undefined) return undefined;
  const { origin, former } = originOf(there);
  if (origin === 'foreign') return { file, done: 'left' };
  const backup = origin === 'edited' ? removeFile(file) : undefined;
  const kept = backup === undefined ? {} : { backup };
  try {
    rmSync(file, { force: true });
    // Only what we made ourselves: a header is easily edited.
    if (former?.startsWith(`${file}.bak`) && readUnit(former) !== undefined) {
      renameSync(former, file);
      return { file, done: 'restored', ...kept };
    }
  } catch (error) {
    throw new UnavailableError(`${file} cannot be removed: ${reasonOf(error)}`);
  }
  return { file, done: 'removed', ...kept };
}

/** Text of a unit file; absent where there is none. */
export function readUnit(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UnavailableError(`${file} cannot be read: ${reasonOf(error)}`);
  }
}

/** Does something with unit files in a directory of their own, and takes them away after. */
export async function withDrafts<T>(
  units: readonly UnitText[],
  work: (files: string[]) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'rlimit-timers-'));
  try {
    const files = units.map(({ name, text }) => {
      const file = join(directory, name);
      writeFileSync(file, text);
      return file;
    });
    return await work(files);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
