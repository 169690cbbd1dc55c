import type { Machine } from '../model/index.js';
import { formatPercent, GiB } from '../quantity/index.js';

/**
 * The budget that leaves the rest of the desktop its room.
 *
 * - MemoryMax: a fifth of the memory stays with everything else, and at least 2 GiB, which a desktop
 *   with a browser needs before it begins to swap; but where that would be more than half, half. It
 *   is a share, so that the same words fit another machine.
 * - CPUQuota: all CPUs but one core (both threads of it), so that a build with a job for each CPU
 *   never makes the pointer wait; at least half of them.
 * - CPUWeight: when all want to compute, another program of the desktop gets twice the time that all
 *   runs get together.
 *
 * @returns systemd property name → wish, as `-p` takes it
 */
export function defaultBudget({ memory, cpus, cores }: Machine): Record<string, string> {
  const kept = Math.floor((1 - (2 * GiB) / memory) * 100);
  const percent = Math.min(80, Math.max(50, kept));
  const threads = cpus / cores;
  const permyriad = Math.max(cpus - threads, cpus / 2) * 10_000;
  return {
    MemoryMax: `${percent}% of memory`,
    CPUQuota: formatPercent(Math.round(permyriad)),
    CPUWeight: '50',
  };
}
