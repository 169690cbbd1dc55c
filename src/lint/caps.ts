/** Caps of what runs side by side, against the memory of the whole machine. */
import type { Limit, Machine } from '../model/index.js';
import { amountOf } from '../profiles/rules.js';
import { roughBytes } from '../quantity/index.js';
import type { Lint } from './subject.js';

/** One that runs beside others. */
export interface Capped {
  name: string;
  limits: readonly Limit[];
}

/**
 * Each cap may be well below the machine and all of them together above it: then none of them is
 * reached before the machine itself is out of memory. One without a cap may take everything. Where
 * one alone is larger than the machine, that is told of it and not here.
 */
export function lintCaps(together: readonly Capped[], machine: Machine): Lint | undefined {
  const caps = together.map(({ name, limits }) => ({ name, cap: capOf(limits) }));
  const finite = caps.map(({ cap }) => cap).filter(Number.isFinite);
  if (caps.length < 2 || finite.length === 0) return undefined;
  if (finite.some((cap) => cap > machine.memory)) return undefined;
  const sum = finite.reduce((total, cap) => total + cap, 0);
  const isOpen = finite.length < caps.length;
  if (sum <= machine.memory && !isOpen) return undefined;
  const list = caps.map(({ name, cap }) =>
    Number.isFinite(cap) ? `${name} ${roughBytes(cap)}` : `${name} without a MemoryMax`,
  );
  return {
    id: 'sum-of-caps',
    severity: 'warning',
    key: 'beside',
    message: `side by side they may take ${isOpen ? 'everything' : roughBytes(sum)}, and this machine has ${roughBytes(machine.memory)}: ${list.join(', ')}`,
    why:
      'Each stays below its own cap, so that none is stopped: the machine runs out of memory, and ' +
      'the kernel or systemd-oomd chooses who dies.',
    remedy: 'smaller caps; or one cap for all runs together: rlimit budget set',
  };
}

function capOf(limits: readonly Limit[]): number {
  const max = limits.find(({ property }) => property === 'MemoryMax');
  return max === undefined ? Number.POSITIVE_INFINITY : amountOf(max);
}
