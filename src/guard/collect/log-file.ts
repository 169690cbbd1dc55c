/** A file that is added to line by line: rotated by size, reopened when others rotate it, never in the way. */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { reasonOf } from '../../profiles/reason.js';
import { counted } from '../../text/index.js';

export interface LogFileOptions {
  path: string;
  /** First line of each file. */
  header?: string;
  /** A file that would grow beyond so many bytes is put aside; it is one of at most `files`. */
  maxBytes?: number;
  /** Files that are kept: `PATH`, and `PATH.1` (the newest) to `PATH.N`. */
  files?: number;
  /** Told once when the file cannot be written, and once when it can again. */
  onTrouble: (words: string) => void;
  /** Milliseconds on a clock that only goes forward. */
  now?: () => number;
}

const MIB = 1024 * 1024;
/** After a failure it is tried again after so long: a full disk is not asked at every line. */
const RETRY_MS = 10_000;

/**
 * Lines are given up, not queued, while the file cannot be written: whoever logs goes on in any case, and
 * needs no more memory for it. A line is written as a whole or not at all.
 */
export class LogFile {
  readonly #options: Required<LogFileOptions>;
  #open: { descriptor: number; inode: number; size: number } | undefined;
  /** When it is tried again; absent while all is well. */
  #retryAt: number | undefined;
  #lost = 0;

  constructor(options: LogFileOptions) {
    const now = () => performance.now();
    this.#options = { header: '', maxBytes: 16 * MIB, files: 4, now, ...options };
  }

  /** Adds a text that ends in a line break. Never throws. */
  write(text: string): void {
    const { now } = this.#options;
    if (this.#retryAt !== undefined && now() < this.#retryAt) {
      this.#lost += 1;
      return;
    }
    try {
      this.#append(text);
      this.#well();
    } catch (error) {
      this.#ill(error);
    }
  }

  /** Opens the file anew with the next line, and tries at once where it failed: for SIGHUP. */
  reopen(): void {
    this.close();
    if (this.#retryAt !== undefined) this.#retryAt = Number.NEGATIVE_INFINITY;
  }

  close(): void {
    if (this.#open !== undefined) closeSync(this.#open.descriptor);
    this.#open = undefined;
  }

  #append(text: string): void {
    const bytes = Buffer.byteLength(text);
    if (this.#open !== undefined && !this.#isStillThere(this.#open.inode)) this.close();
    const { size } = this.#opened();
    if (size > 0 && size + bytes > this.#options.maxBytes) this.#rotate();
    const open = this.#opened();
    if (open.size === 0) this.#put(open, this.#options.header);
    this.#put(open, text);
  }

  #put(open: { descriptor: number; size: number }, text: string): void {
    if (text === '') return;
    const buffer = Buffer.from(text);
    let done = 0;
    try {
      while (done < buffer.length) done += writeSync(open.descriptor, buffer, done);
      open.size += done;
    } catch (error) {
      // Half a line is none: the disk was full within it.
      if (done > 0) ftruncateSync(open.descriptor, open.size);
      throw error;
    }
  }

  /** Somebody may have moved or removed it: logrotate(8), or a hand. */
  #isStillThere(inode: number): boolean {
    return statSync(this.#options.path, { throwIfNoEntry: false })?.ino === inode;
  }

  #opened() {
    if (this.#open !== undefined) return this.#open;
    const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
    // In a directory of others a link could lead anywhere, and a FIFO would be waited for.
    const flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK;
    const descriptor = openSync(this.#options.path, flags, 0o640);
    const { ino: inode, size } = this.#regular(descriptor);
    this.#open = { descriptor, inode, size };
    return this.#open;
  }

  #regular(descriptor: number) {
    const stats = fstatSync(descriptor);
    if (stats.isFile()) return stats;
    closeSync(descriptor);
    throw new Error('it is not a regular file');
  }

  /** PATH becomes PATH.1, that PATH.2, and so on; the last goes. */
  #rotate(): void {
    const { path, files } = this.#options;
    this.close();
    if (files <= 1) rmSync(path, { force: true });
    for (let number = files - 1; number >= 1; number -= 1) {
      const from = number === 1 ? path : `${path}.${number - 1}`;
      if (statSync(from, { throwIfNoEntry: false })) renameSync(from, `${path}.${number}`);
    }
  }

  #ill(error: unknown): void {
    const { path, onTrouble, now } = this.#options;
    const isNew = this.#retryAt === undefined;
    this.#retryAt = now() + RETRY_MS;
    this.#lost += 1;
    this.#giveUp();
    if (isNew) onTrouble(`${path} cannot be written: ${reasonOf(error)}; its lines are lost`);
  }

  #giveUp(): void {
    try {
      this.close();
    } catch {
      // A file system that is going away: there is nothing left to close.
      this.#open = undefined;
    }
  }

  #well(): void {
    if (this.#retryAt === undefined) return;
    const { path, onTrouble } = this.#options;
    onTrouble(`${path} is written again; ${counted(this.#lost, 'line')} of it are lost`);
    this.#retryAt = undefined;
    this.#lost = 0;
  }
}
