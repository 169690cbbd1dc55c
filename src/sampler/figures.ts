/** The few figures that samples want of the kernel's files. What makes no sense is absent. */
import type { Amount, StallShare } from '../model/index.js';

/** The number behind `key ` or `key:` at the beginning of a line; absent where there is none. */
export function figureOf(text: string, key: string): number | undefined {
  const at = text.startsWith(key) ? 0 : text.indexOf(`\n${key}`) + 1;
  if (at === 0 && !text.startsWith(key)) return undefined;
  const end = text.indexOf('\n', at);
  const line = text.slice(at + key.length, end < 0 ? undefined : end);
  // `key` may be the beginning of a longer one.
  return /^:? +\d+( kB)?$/.test(line) ? Number.parseInt(line.replace(/^:? +/, ''), 10) : undefined;
}

/** `max` or a whole number (memory.max and its like). */
export function amountOf(text: string): Amount | undefined {
  const word = text.trimEnd();
  return word === 'max' ? 'infinity' : countOf(word);
}

/** One whole number. */
export function countOf(text: string): number | undefined {
  const word = text.trimEnd();
  return /^\d{1,19}$/.test(word) ? Number(word) : undefined;
}

/** Cores of cpu.max: `200000 100000` is 2. */
export function coresOf(text: string): Amount | undefined {
  const [, quota = '', period = ''] = /^(max|\d{1,16}) (\d{1,16})\s*$/.exec(text) ?? [];
  if (quota === 'max') return 'infinity';
  return Number(period) > 0 ? Number(quota) / Number(period) : undefined;
}

/** `some avg10` and its like of a pressure file (Documentation/accounting/psi.rst of the kernel). */
export function stallShareOf(text: string): StallShare | undefined {
  const some = averages(text, 'some');
  if (some === undefined) return undefined;
  const full = averages(text, 'full');
  return {
    some: some.avg10,
    some60: some.avg60,
    ...(full === undefined ? {} : { full: full.avg10, full60: full.avg60 }),
  };
}

function averages(text: string, kind: string): { avg10: number; avg60: number } | undefined {
  const found = new RegExp(`^${kind} avg10=(\\d{1,3}\\.\\d+) avg60=(\\d{1,3}\\.\\d+) `, 'm').exec(
    text,
  );
  return found === null ? undefined : { avg10: Number(found[1]), avg60: Number(found[2]) };
}
