import { UsageError } from '../errors/index.js';

/**
 * Reads the value of `--interval`.
 * @param text seconds
 * @returns milliseconds
 * @throws {UsageError}
 */
export function parseInterval(text: string): number {
  const seconds = /^\d{1,5}(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (seconds >= 0.2 && seconds <= 86_400) return seconds * 1000;
  throw new UsageError(`--interval ${JSON.stringify(text)} is not a number of seconds`, {
    why: 'It can be 0.2 to 86400.',
  });
}
