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

/** While nothing is near, all processes are looked at in every so many intervals only. */
const CALM_INTERVALS = 3;

/** How often a whole look is due: every interval, unless twice what the first step wants is available. */
export function sampleEveryMs(
  { total, available }: MachineMemory,
  settings: GuardSettings,
): number {
  const { graduated, interval } = settings;
  const first = graduated.enabled ? graduated.warn_percent : highest(settings);
  const isCalm = total > 0 && (available / total) * 100 > 2 * first;
  return interval * 1000 * (isCalm ? CALM_INTERVALS : 1);
}
