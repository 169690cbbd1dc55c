import { QuantityError } from './error.js';

/**
 * Reads `75%`, `12.5%`, `0.25%` as hundredths of a percent (permyriad): 75% is 7500.
 * Whole numbers keep everything after exact.
 * @throws {QuantityError} without a percent sign, or with more than two decimals
 */
export function parsePercent(text: string): number {
  const match = /^(\d+)(?:\.(\d{1,2}))?%$/.exec(text.trim());
  if (!match) throw new QuantityError(text, 'a percentage with at most two decimals, such as 75%');
  const [, whole = '', fraction = ''] = match;
  const permyriad = Number(whole) * 100 + Number(fraction.padEnd(2, '0'));
  if (!Number.isSafeInteger(permyriad)) throw new QuantityError(text, 'a percentage');
  return permyriad;
}

/** Prints hundredths of a percent as systemd reads them: 7500 is `75%`, 1250 is `12.5%`. */
export function formatPercent(permyriad: number): string {
  const whole = Math.floor(permyriad / 100);
  const rest = String(permyriad % 100)
    .padStart(2, '0')
    .replace(/0+$/, '');
  return rest === '' ? `${whole}%` : `${whole}.${rest}%`;
}
