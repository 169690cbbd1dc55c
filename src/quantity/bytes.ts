import type { Amount } from '../model/index.js';
import { QuantityError } from './error.js';

/** Bytes of one MiB and one GiB: systemd's suffixes have the base 1024 (systemd.resource-control(5)). */
export const MiB = 1024 ** 2;
export const GiB = 1024 ** 3;

const SUFFIXES = ['', 'K', 'M', 'G', 'T', 'P', 'E'] as const;
const EXPECTED = 'a size: a number with K, M, G, T, P or E behind it (base 1024), or infinity';
const EXACT = 'a size that can be held exactly (use K, M, G … or fewer digits)';

/**
 * Reads a size in systemd's syntax (`150G`, `1.5G`, `512M`, `1G 512M`, `infinity`) as bytes.
 * A fraction is allowed in front of a suffix and is cut to whole bytes, as systemd does.
 * @throws {QuantityError} for anything else, and for sizes a double cannot hold exactly
 */
export function parseBytes(text: string): Amount {
  const trimmed = text.trim();
  if (trimmed === 'infinity') return 'infinity';
  let total = 0n;
  let smallest: number = SUFFIXES.length;
  for (const { bytes, rank } of parseParts(trimmed, text)) {
    // systemd takes `1G 512M` but not `512M 1G`: each suffix must be smaller than the last.
    if (rank >= smallest) throw new QuantityError(text, EXPECTED);
    smallest = rank;
    total += bytes;
  }
  const result = Number(total);
  if (total >= 2n ** 64n || BigInt(result) !== total) throw new QuantityError(text, EXACT);
  return result;
}

/** The same where what is no plain size (a share, a list, nothing) is no error: it has no figure. */
export function plainBytes(text: string): Amount | undefined {
  try {
    return parseBytes(text);
  } catch {
    return undefined;
  }
}

/** Prints bytes with the largest suffix that says them exactly: 161061273600 is `150G`. */
export function formatBytes(bytes: Amount): string {
  if (bytes === 'infinity') return 'infinity';
  let value = bytes;
  let rank = 0;
  while (value !== 0 && value % 1024 === 0 && rank < SUFFIXES.length - 1) {
    value /= 1024;
    rank += 1;
  }
  return `${BigInt(value)}${SUFFIXES[rank]}`;
}

/**
 * Prints bytes for a sentence, rounded to two decimals of the largest fitting suffix: 1.5G, 950M.
 * `formatBytes` is the one that can be read back exactly.
 */
export function roughBytes(bytes: number): string {
  const rank = bytes < MiB ? 1 : bytes < GiB ? 2 : 3;
  const value = bytes / 1024 ** rank;
  return `${Number(value.toFixed(2))}${SUFFIXES[rank]}`;
}

/** The terms of `1G 512M` (`1G512M` and `1 G 512 M` are the same to systemd). */
function parseParts(trimmed: string, text: string): { bytes: bigint; rank: number }[] {
  const parts: { bytes: bigint; rank: number }[] = [];
  const term = /\s*(\d+)(?:\.(\d+))?\s*([KMGTPEB]?)/y;
  while (term.lastIndex < trimmed.length || parts.length === 0) {
    const match = term.exec(trimmed);
    if (!match) throw new QuantityError(text, EXPECTED);
    const [, whole = '', fraction = '', suffix = ''] = match;
    // No size has more digits than these; without a bound a long text would cost time.
    if (whole.length > 30 || fraction.length > 30) throw new QuantityError(text, EXACT);
    const rank = suffix === 'B' ? 0 : SUFFIXES.indexOf(suffix as (typeof SUFFIXES)[number]);
    if (fraction !== '' && rank === 0) throw new QuantityError(text, EXPECTED);
    const unit = 1024n ** BigInt(rank);
    const scale = 10n ** BigInt(fraction.length);
    parts.push({ bytes: BigInt(whole) * unit + (BigInt(fraction || '0') * unit) / scale, rank });
  }
  return parts;
}
