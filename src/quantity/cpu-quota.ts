import type { Amount } from '../model/index.js';
import { QuantityError } from './error.js';
import { formatPercent, parsePercent } from './percent.js';

/** CPU time in µs per second of wall time that one fully used core is. */
export const ONE_CORE = 1_000_000;
const USEC_PER_PERMYRIAD = ONE_CORE / 10_000;

/**
 * Reads a CPUQuota (`2700%`, `12.5%`, `infinity`) as µs of CPU time per second: 100% is one core,
 * whatever the machine has (systemd.resource-control(5)).
 * @throws {QuantityError} also for 0%, which systemd refuses as too small
 */
export function parseCpuQuota(text: string): Amount {
  if (text.trim() === 'infinity') return 'infinity';
  const permyriad = parsePercent(text);
  if (permyriad === 0) throw new QuantityError(text, 'a CPU quota above 0% (100% is one core)');
  return permyriad * USEC_PER_PERMYRIAD;
}

/** Prints µs per second as a CPUQuota: 27000000 is `2700%`. */
export function formatCpuQuota(usecPerSec: Amount): string {
  if (usecPerSec === 'infinity') return 'infinity';
  return formatPercent(Math.round(usecPerSec / USEC_PER_PERMYRIAD));
}
