import type { Amount } from '../model/index.js';
import { QuantityError } from './error.js';

/** µs of each unit systemd knows, largest first (systemd.time(7)); a bare number is seconds. */
const UNITS: readonly (readonly [usec: number, names: readonly string[]])[] = [
  [31_557_600_000_000, ['y', 'year', 'years']],
  [2_629_800_000_000, ['month', 'months', 'M']],
  [604_800_000_000, ['w', 'week', 'weeks']],
  [86_400_000_000, ['d', 'day', 'days']],
  [3_600_000_000, ['h', 'hour', 'hours', 'hr']],
  [60_000_000, ['min', 'minute', 'minutes', 'm']],
  [1_000_000, ['s', 'sec', 'second', 'seconds', '']],
  [1_000, ['ms', 'msec']],
  [1, ['us', 'usec', 'µs', 'μs']],
];
const EXPECTED = 'a time span such as 30s, 5min, 1h 30min or 250ms';

/**
 * Reads a time span in systemd's syntax as µs.
 * @throws {QuantityError}
 */
export function parseSpan(text: string): Amount {
  const trimmed = text.trim();
  if (trimmed === 'infinity') return 'infinity';
  let total = 0;
  // One term after the other: a single pattern for the whole text could backtrack for ever.
  const term = /(\d+(?:\.\d+)?)\s*([a-zA-Zµμ]*)\s*/y;
  while (term.lastIndex < trimmed.length || trimmed === '') {
    const [, number = '', name = ''] = term.exec(trimmed) ?? [];
    const unit = UNITS.find(([, names]) => names.includes(name));
    if (number === '' || !unit) throw new QuantityError(text, EXPECTED);
    total += Math.round(Number(number) * unit[0]);
  }
  if (!Number.isSafeInteger(total)) throw new QuantityError(text, EXPECTED);
  return total;
}

/** Prints µs the way systemd does: 5400000000 is `1h 30min`, 4000000 is `4s`, 0 is `0`. */
export function formatSpan(usec: Amount): string {
  if (usec === 'infinity') return 'infinity';
  if (usec === 0) return '0';
  let rest = usec;
  const parts: string[] = [];
  for (const [size, names] of UNITS) {
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count}${names[0]}`);
    rest -= count * size;
  }
  return parts.join(' ');
}
