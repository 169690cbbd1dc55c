import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { CannotRunError } from '../../errors/index.js';

/**
 * Makes named pipes that are the user's alone. Node has no mkfifo(3); mkfifo(1) is of the coreutils.
 * @throws {CannotRunError}
 */
export function makeFifos(paths: readonly string[]): void {
  const { status, stderr, error } = spawnSync('mkfifo', ['-m', '600', '--', ...paths], {
    encoding: 'utf8',
    timeout: 10_000,
  });
  if (status === 0) return;
  throw new CannotRunError('the jobserver cannot be made', {
    why: `mkfifo failed: ${error?.message ?? stderr.trim()}.`,
    remedy: 'rlimit run --jobs N goes without one',
  });
}

/**
 * A description of our own: to be non-blocking is a property of the description, which inherited
 * descriptors share, and clients may count on theirs to block.
 */
export function openOwn(path: string): number {
  return openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
}

/** Reads all that lies in a FIFO of ours; nothing where nothing does. */
export function drain(descriptor: number): Buffer {
  const chunks: Buffer[] = [];
  for (;;) {
    const buffer = Buffer.alloc(CHUNK);
    const count = readQuietly(descriptor, buffer);
    if (count > 0) chunks.push(buffer.subarray(0, count));
    // A client that writes without end must not keep us here.
    if (count < CHUNK || chunks.length >= MOST_CHUNKS) return Buffer.concat(chunks);
  }
}

const CHUNK = 4096;
/** More than a pipe holds (64 KiB, pipe(7)). */
const MOST_CHUNKS = 32;

function readQuietly(descriptor: number, buffer: Buffer): number {
  try {
    return readSync(descriptor, buffer);
  } catch (error) {
    if (isFullOrEmpty(error)) return 0;
    throw error;
  }
}

/**
 * Writes tokens, as many as there is room for.
 * @returns how many were written
 */
export function put(descriptor: number, tokens: Uint8Array): number {
  try {
    return tokens.length === 0 ? 0 : writeSync(descriptor, tokens);
  } catch (error) {
    if (isFullOrEmpty(error)) return 0;
    throw error;
  }
}

function isFullOrEmpty(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EAGAIN';
}

/** Descriptors to be closed once: by the second time their numbers may be somebody else's. */
export class Descriptors {
  readonly #open = new Set<number>();

  add(descriptor: number): number {
    this.#open.add(descriptor);
    return descriptor;
  }

  close(descriptors: Iterable<number> = [...this.#open]): void {
    for (const descriptor of descriptors) if (this.#open.delete(descriptor)) closeSync(descriptor);
  }
}
