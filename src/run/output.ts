/**
 * Writing to descriptors 1 and 2 without touching `process.stdout` and `process.stderr`: the first
 * look at those makes a pipe non-blocking, for the command and everybody else who has it as well.
 */
import { writeSync } from 'node:fs';

/**
 * Writes a line, or nothing where nobody reads any more: the command's fate does not depend on our
 * words.
 */
export function writeLine(descriptor: 1 | 2, line: string): void {
  try {
    writeAll(descriptor, Buffer.from(`${line}\n`));
  } catch {
    // EPIPE, or a full disk behind a redirection.
  }
}

/** Tells a person something, on stderr. */
export function say(line: string): void {
  writeLine(2, line);
}

/** Prints a result, on stdout. */
export function print(line: string): void {
  writeLine(1, line);
}

/**
 * Writes all bytes, waiting where the reader is slow.
 * @throws {Error} the system's own: EPIPE when nobody reads any more
 */
export function writeAll(descriptor: 1 | 2, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(descriptor, bytes, written);
    } catch (error) {
      // Somebody else has made it non-blocking, and it is full.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/**
 * Keeps Node itself from looking at `process.stderr`: a socket that is destroyed compares itself
 * with it (net.Socket's _destroy), which makes the descriptor non-blocking.
 * @returns a function that undoes it
 */
export function shieldStderr(): () => void {
  const original = Object.getOwnPropertyDescriptor(process, 'stderr');
  Object.defineProperty(process, 'stderr', { configurable: true, get: () => undefined });
  return () => {
    if (original !== undefined) Object.defineProperty(process, 'stderr', original);
  };
}
