import { QuantityError } from './error.js';
import { formatPercent, parsePercent } from './percent.js';

/** What of the machine a share is taken from. */
export type ShareOf = 'cores' | 'cpus' | 'memory';

/** `75% of cores`: a part of the machine, in hundredths of a percent. */
export interface Share {
  permyriad: number;
  of: ShareOf;
}

/** Tells whether a text is meant as a share of the machine, well formed or not. */
export function looksLikeShare(text: string): boolean {
  return /\bof\b/.test(text);
}

/**
 * Reads `75% of cores`, `75% of cpus`, `60% of memory`.
 * @throws {QuantityError}
 */
export function parseShare(text: string): Share {
  const match = /^\s*(\S+)\s+of\s+(cores|cpus|memory)\s*$/.exec(text);
  const expected = 'a share such as 75% of cores, 75% of cpus or 60% of memory';
  if (!match) throw new QuantityError(text, expected);
  const [, percent = '', of = ''] = match;
  const permyriad = parsePercent(percent);
  if (permyriad === 0) throw new QuantityError(text, expected);
  return { permyriad, of: of as ShareOf };
}

/** Prints a share as `parseShare` reads it. */
export function formatShare(share: Share): string {
  return `${formatPercent(share.permyriad)} of ${share.of}`;
}
