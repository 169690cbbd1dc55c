import type { Amount } from '../model/index.js';
import { QuantityError } from './error.js';

/** A CPUWeight or IOWeight: 1 to 10000, 100 being everybody's default; `idle` only for CPU. */
export type Weight = number | 'idle';

/**
 * Reads a weight.
 * @param idle whether `idle` is a value too (CPUWeight, systemd 252 and later)
 * @throws {QuantityError}
 */
export function parseWeight(text: string, { idle = false } = {}): Weight {
  const trimmed = text.trim();
  if (idle && trimmed === 'idle') return 'idle';
  const weight = parseWhole(trimmed);
  if (weight === undefined || weight < 1 || weight > 10_000) {
    throw new QuantityError(text, `a weight from 1 to 10000${idle ? ', or idle' : ''}`);
  }
  return weight;
}

/**
 * Reads a TasksMax: processes and threads together, or infinity.
 * @throws {QuantityError} also for 0, which systemd refuses
 */
export function parseTasks(text: string): Amount {
  const trimmed = text.trim();
  if (trimmed === 'infinity') return 'infinity';
  const tasks = parseWhole(trimmed);
  if (tasks === undefined || tasks < 1) {
    throw new QuantityError(text, 'a number of tasks from 1 up, or infinity');
  }
  return tasks;
}

/** Reads a whole number without sign, or says undefined. */
function parseWhole(text: string): number | undefined {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}
