/**
 * The history of runs: one JSON object a line, appended by every run at its end. On the way of
 * `run`, so synchronous and without anything that takes time to load.
 *
 * Many runs may end at once, and each may be killed at any moment:
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
import { homedir } from 'node:os';
import type { Outcome, Verdict } from '../model/index.js';

/** Bytes above which the file becomes the old generation: some thousand runs. */
export const HISTORY_LIMIT = 4 * 1024 ** 2;

/** Bytes of a command line that are kept: enough to know it again. */
export const COMMAND_LIMIT = 4096;

/** Characters kept of each text of a verdict, and how many pieces of evidence. */
const TEXT_LIMIT = 1024;
const EVIDENCE_LIMIT = 20;

/** An outcome as the history keeps it. */
export interface StoredOutcome extends Outcome {
  /** Bytes of the whole command line, where `command` is only the beginning of it. */
  commandBytes?: number;
}

/**
 * The file of the history: below $XDG_STATE_HOME, which counts only when it is absolute (XDG Base
 * Directory Specification), else below ~/.local/state.
 */
export function historyFile(env: NodeJS.ProcessEnv = process.env): string {
  const state = env.XDG_STATE_HOME ?? '';
  return `${state.startsWith('/') ? state : `${env.HOME || homedir()}/.local/state`}/rlimit/history.jsonl`;
}

/** The generation before the one that is written. */
export function olderFile(file: string): string {
  return `${file}.1`;
}

/**
 * Appends how a run ended.
 * @throws {Error} saying why the history has not got it (no space, no permission, a symbolic link),
 *   or why the file could not be bounded; the run itself must not suffer from it
 */
export function appendOutcome(outcome: Outcome, env: NodeJS.ProcessEnv = process.env): void {
  const file = historyFile(env);
  const line = `${JSON.stringify(shortened(outcome))}\n`;
  const trouble = rotateWhenFull(file);
  // Where somebody has removed the file since it was opened, the line is gone with it: once more.
  if (!append(file, line)) append(file, line);
  if (trouble !== undefined) throw trouble;
}

/** @returns whether the line is in a file that still has a name */
function append(file: string, line: string): boolean {
  const descriptor = openHistory(file);
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
const FLAGS =
  constants.O_RDWR |
  constants.O_APPEND |
  constants.O_CREAT |
  constants.O_NOFOLLOW |
  constants.O_NONBLOCK;

function openHistory(file: string): number {
  const descriptor = openOrMake(file);
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  throw new Error(`${file} is not a regular file`);
}

/** The directory is made when it is seen to be missing: once in the life of a home directory. */
function openOrMake(file: string): number {
  try {
    return openSync(file, FLAGS, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    mkdirSync(file.slice(0, file.lastIndexOf('/')), { recursive: true, mode: 0o700 });
    return openSync(file, FLAGS, 0o600);
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
 * there, a fresh one, which it leaves alone. Nobody waits: while one run renames, all others append
 * to the full file under whatever name.
 * @returns why it could not be done, where it should have been
 */
function rotateWhenFull(file: string): Error | undefined {
  let descriptor: number | undefined;
  try {
    const { size = 0 } = lstatSync(file, { throwIfNoEntry: false }) ?? {};
    if (size < HISTORY_LIMIT) return undefined;
    descriptor = openHistory(file);
    if (fstatSync(descriptor).size < HISTORY_LIMIT) return undefined;
    if (lock(descriptor) && isAt(file, descriptor)) renameSync(file, olderFile(file));
    return undefined;
  } catch (error) {
    // `rlimit history --clear` took it away.
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

/** Bounds a line, and has `version` first: a reader finds the beginning of a line by it. */
function shortened(outcome: Outcome): StoredOutcome {
  const { version, verdict, command, ...rest } = outcome;
  return { version, ...rest, ...shortCommand(command), verdict: shortVerdict(verdict) };
}

/** Keeps the words that fit, and of the first that does not its beginning, marked with `…`. */
function shortCommand(command: string[]): Pick<StoredOutcome, 'command' | 'commandBytes'> {
  const sizes = command.map((word) => Buffer.byteLength(word) + 1);
  const commandBytes = sizes.reduce((sum, size) => sum + size, 0) - 1;
  if (commandBytes <= COMMAND_LIMIT) return { command };
  let room = COMMAND_LIMIT;
  const fitting = sizes.findIndex((size) => {
    room -= size;
    return room < 0;
  });
  const cut = cutBytes(command[fitting] ?? '', room + (sizes[fitting] ?? 0));
  return { command: [...command.slice(0, fitting), `${cut}…`], commandBytes };
}

/** A character of several bytes at the border is left out. */
function cutBytes(word: string, bytes: number): string {
  return Buffer.from(word).subarray(0, bytes).toString().replace(/�$/, '');
}

function shortVerdict({ id, says, evidence, advice }: Verdict): Verdict {
  return {
    id,
    says: shortText(says),
    evidence: evidence.slice(0, EVIDENCE_LIMIT).map(shortText),
    ...(advice === undefined ? {} : { advice: shortText(advice) }),
  };
}

function shortText(text: string): string {
  return text.length > TEXT_LIMIT ? `${text.slice(0, TEXT_LIMIT)}…` : text;
}
