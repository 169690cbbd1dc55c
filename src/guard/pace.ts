/** How soon to look again: the nearer to a threshold, the sooner. */
import type { MachineMemory } from '../model/index.js';
import type { GuardSettings } from './settings/settings.js';

/** As fast as memory was ever seen to be taken: some 6 GB a second (earlyoom reckons with the same). */
const BYTES_PER_MS = 6_000_000;

/** Not more often than so, or the looks themselves would take the time of whom they watch. */
const LEAST_MS = 50;

/** The highest of the thresholds at which something is done. */
function highest({ backstop, graduated }: GuardSettings): number {
  return Math.max(
    backstop.enabled ? backstop.term_percent : 0,
    graduated.enabled ? graduated.freeze_percent : 0,
  );
}

/** Milliseconds until a threshold could be crossed at the earliest, within bounds. */
export function pauseMs({ total, available }: MachineMemory, settings: GuardSettings): number {
  const headroom = available - (highest(settings) / 100) * total;
  const most = settings.interval * 1000;
  return Math.round(Math.min(most, Math.max(Math.min(LEAST_MS, most), headroom / BYTES_PER_MS)));
}

/** Whether a glance at the memory alone tells that a whole look is due: something would be done. */
export function isPressing({ total, available }: MachineMemory, settings: GuardSettings): boolean {
  return total > 0 && (available / total) * 100 <= highest(settings);
}
