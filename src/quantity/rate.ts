import type { Amount } from '../model/index.js';
import { QuantityError } from './error.js';

/**
 * Reads an IO cap, in bytes or operations per second: its suffixes have the base 1000
 * (systemd.resource-control(5)), unlike those of memory.
 * @throws {QuantityError}
 */
export function parseRate(text: string): Amount {
  if (text === 'infinity') return 'infinity';
  const match = /^(\d+)(?:\.(\d+))?([KMGTPE]?)$/.exec(text);
  if (!match) throw new QuantityError(text, 'a figure with K, M, G or T behind it (base 1000)');
  const scale = 1000 ** ['', 'K', 'M', 'G', 'T', 'P', 'E'].indexOf(match[3] ?? '');
  return Math.floor(Number(`${match[1]}.${match[2] ?? '0'}`) * scale);
}
