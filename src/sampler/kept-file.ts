/** Files that are read again and again: kept open, and parsed only when they say something new. */
import { closeSync, openSync, readSync } from 'node:fs';

/** Shared by all: nothing of it is kept. The longest file that matters is /proc/stat of a large machine. */
const buffer = Buffer.alloc(64 * 1024);

/**
 * A file of records gives a page at most a read (seq_file of the kernel): a read that is clearly
 * shorter was the last one. No record of the files read here is longer than the difference.
 */
const SHORT_READ = 3840;

/** How files are opened: kept open while there is room, so that opening them is paid once. */
export class Descriptors {
  #left: number;

  /** @param most so many may be kept open at a time */
  constructor(most: number) {
    this.#left = most;
  }

  /** Whether one more may stay open; it counts from then on. */
  take(): boolean {
    if (this.#left <= 0) return false;
    this.#left -= 1;
    return true;
  }

  release(): void {
    this.#left += 1;
  }
}

/** What was read last, in memory of its own that is used again: hundreds of these live for long. */
export class LastBytes {
  #bytes: Buffer | undefined;
  #length = 0;

  is(bytes: Buffer, length: number): boolean {
    if (this.#bytes === undefined || this.#length !== length) return false;
    return bytes.compare(this.#bytes, 0, length, 0, length) === 0;
  }

  take(bytes: Buffer, length: number): void {
    if (this.#bytes === undefined || this.#bytes.length < length) {
      // Not of the pool, of which a few bytes would keep 8 KiB; with room for longer figures.
      this.#bytes = Buffer.allocUnsafeSlow(length + 32);
    }
    bytes.copy(this.#bytes, 0, 0, length);
    this.#length = length;
  }
}

/**
 * One file and what it means. A file that is not there, or that makes no sense, is absent. It is tried
 * again at the next reading.
 */
export class KeptFile<T> {
  readonly #path: string;
  readonly #parse: (text: string) => T | undefined;
  readonly #descriptors: Descriptors;
  #file: number | undefined;
  readonly #last = new LastBytes();
  #value: T | undefined;

  constructor(path: string, parse: (text: string) => T | undefined, descriptors: Descriptors) {
    this.#path = path;
    this.#parse = parse;
    this.#descriptors = descriptors;
  }

  /** What it says now; the same object as before where nothing has changed. */
  read(): T | undefined {
    const length = this.#fill();
    if (length === undefined) return undefined;
    if (this.#last.is(buffer, length)) return this.#value;
    this.#last.take(buffer, length);
    this.#value = this.#parse(buffer.toString('latin1', 0, length));
    return this.#value;
  }

  close(): void {
    if (this.#file === undefined) return;
    closeQuietly(this.#file);
    this.#file = undefined;
    this.#descriptors.release();
  }

  #fill(): number | undefined {
    if (this.#file !== undefined) {
      const length = readAll(this.#file);
      // ENODEV: the cgroup went and another of that name may have come.
      if (length === undefined) this.close();
      else return length;
    }
    const file = openQuietly(this.#path);
    if (file === undefined) return undefined;
    const length = readAll(file);
    if (length !== undefined && this.#descriptors.take()) this.#file = file;
    else closeQuietly(file);
    return length;
  }
}

/** Bytes of a file from its beginning, now in `buffer`; undefined where it cannot be read. */
function readAll(file: number): number | undefined {
  let length = 0;
  try {
    for (;;) {
      const got = readSync(file, buffer, length, buffer.length - length, length);
      length += got;
      if (got < SHORT_READ || length === buffer.length) return length;
    }
  } catch {
    return undefined;
  }
}

/**
 * The text of a file that is not kept open; undefined where it cannot be read. A third of what
 * readFileSync costs, which asks for the size first and takes new memory each time.
 */
export function readText(path: string, encoding: BufferEncoding = 'latin1'): string | undefined {
  const file = openQuietly(path);
  if (file === undefined) return undefined;
  const length = readAll(file);
  closeQuietly(file);
  return length === undefined ? undefined : buffer.toString(encoding, 0, length);
}

export function openQuietly(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch {
    return undefined;
  }
}

export function closeQuietly(file: number): void {
  try {
    closeSync(file);
  } catch {
    // It was ours to close, and nothing depends on it.
  }
}
