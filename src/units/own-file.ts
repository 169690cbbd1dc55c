/**
 * Unit files that are rlimit's own: known again by their first line, changes of them by their seal. What
 * stood there before is kept as the very file it was, so that mode, owner, times and attributes come back.
 */
import {
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { UnavailableError } from '../errors/index.js';
import { reasonOf } from '../profiles/reason.js';
import { removeFile, replaceFile } from '../profiles/replace-file.js';
import { printable } from '../text/index.js';
import { isSealed, seal } from './seal.js';

/** What became of a unit file. */
export interface FileChange {
  file: string;
  done: 'written' | 'replaced' | 'unchanged' | 'removed' | 'restored' | 'left';
  /** What stood there and was not ours, or was edited. */
  backup?: string;
}

/** Whose a unit file is: `ours` as it was written, `edited` since, or `foreign`. */
export interface Origin {
  origin: 'ours' | 'edited' | 'foreign';
  /** The file that comes back one day. */
  former?: string;
}

const PLANNED = 'Written by rlimit apply, plan ';

/** Beginning of the first line of what a plan writes. */
export function writtenBy(plan: string): string {
  return `${PLANNED}${plan}`;
}

/** The plan that has written a file; absent where none has. */
export function planOf(text: string): string | undefined {
  const name = /^[\w-]+/.exec(text.slice(`# ${PLANNED}`.length))?.[0];
  return text.startsWith(`# ${PLANNED}`) ? name : undefined;
}

const FORMER = '# In place of: ';

/**
 * Tells whose a unit file is.
 * @param author its first line, or what that begins with
 */
export function originOf(text: string, author: string): Origin {
  if (!text.startsWith(author)) return { origin: 'foreign' };
  const second = text.split('\n', 2)[1] ?? '';
  const former = second.startsWith(FORMER) ? { former: second.slice(FORMER.length) } : {};
  return { origin: isSealed(text) ? 'ours' : 'edited', ...former };
}

/** The text as it is written: sealed, and with the note which former file is to come back. */
export function ownText(text: string, former?: string): string {
  return seal(former === undefined ? text : text.replace('\n', () => `\n${FORMER}${former}\n`));
}

/**
 * Writes a unit file; what was not written by us, or was edited since, is kept beside it.
 * @param text its first line begins with the author
 * @throws {UnavailableError} when the file system refuses, and for a link, which somebody else manages
 */
export function writeOwn(file: string, text: string, author: string): FileChange {
  const there = readUnit(file);
  if (there === undefined) {
    replaceFile(file, ownText(text), { overwrite: true, mode: MODE });
    return { file, done: 'written' };
  }
  refuseLink(file);
  const { origin, former } = originOf(there, author);
  if (origin === 'foreign') return { file, done: 'replaced', backup: replaceForeign(file, text) };
  const wanted = ownText(text, former);
  if (there === wanted) return { file, done: 'unchanged' };
  const keep = { overwrite: true, backup: origin === 'edited', mode: MODE };
  const { backup } = replaceFile(file, wanted, keep);
  return { file, done: 'replaced', ...(backup === undefined ? {} : { backup }) };
}

/** All may read what systemd runs. */
const MODE = 0o644;

/** @returns where the former file is now */
function replaceForeign(file: string, text: string): string {
  const former = freeName(`${file}${BESIDE}`);
  try {
    keepAs(file, former);
  } catch (error) {
    throw new UnavailableError(`${printable(former)} cannot be made: ${reasonOf(error)}`, {
      why: 'The former file would be lost. Nothing has changed.',
    });
  }
  replaceFile(file, ownText(text, former), { overwrite: true, backup: false, mode: MODE });
  return former;
}

const BESIDE = '.before-rlimit';

/** A second name of the same file, where the file system has such; it keeps all that a copy loses. */
function keepAs(file: string, former: string): void {
  try {
    linkSync(file, former);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK'].includes(code)) throw error;
    copyFileSync(file, former);
  }
}

function freeName(path: string): string {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? path : `${path}${number}`;
    if (!existsSync(name)) return name;
  }
}

/** A unit that is masked, or made by a package or by Nix: what it is for is not ours to end. */
function refuseLink(file: string): void {
  if (lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return;
  const target = readlinkSync(file);
  throw new UnavailableError(
    `${printable(file)} is a symbolic link to ${printable(target)}: somebody else manages it`,
    { why: 'Nothing has changed.', remedy: `rm ${printable(file)}` },
  );
}

/**
 * Takes a unit file away; what it replaced comes back. One that is not ours is left.
 * @returns nothing where there is none
 * @throws {UnavailableError} when the file system refuses
 */
export function removeOwn(file: string, author: string): FileChange | undefined {
  const there = readUnit(file);
  if (there === undefined) return undefined;
  const { origin, former } = originOf(there, author);
  if (origin === 'foreign') return { file, done: 'left' };
  const backup = origin === 'edited' ? removeFile(file) : undefined;
  const kept = backup === undefined ? {} : { backup };
  try {
    // Only what we made ourselves: a header is easily edited.
    if (former?.startsWith(`${file}${BESIDE}`) && existsSync(former)) {
      renameSync(former, file);
      return { file, done: 'restored', ...kept };
    }
    rmSync(file, { force: true });
  } catch (error) {
    throw new UnavailableError(`${printable(file)} cannot be removed: ${reasonOf(error)}`);
  }
  return { file, done: 'removed', ...kept };
}

/**
 * Text of a unit file; absent where there is none.
 * @throws {UnavailableError} for one that cannot be read
 */
export function readUnit(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new UnavailableError(`${printable(file)} cannot be read: ${reasonOf(error)}`);
  }
}
