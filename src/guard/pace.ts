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

/** How many of the thresholds have been crossed: with each one more something may have to be done. */
export function depthOf({ total, available }: MachineMemory, settings: GuardSettings): number {
  const { backstop, graduated } = settings;
  const thresholds = [
    ...(graduated.enabled
      ? [graduated.warn_percent, graduated.tokens_percent, graduated.freeze_percent]
      : []),
    ...(backstop.enabled ? [backstop.term_percent, backstop.kill_percent] : []),
  ];
  return total > 0 ? thresholds.filter((each) => (available / total) * 100 <= each).length : 0;
}

/** While somebody may have to be ended, looks take no more than this part of a core. */
const PRESSING_PART = 0.1;
const PRESSING_LEAST_MS = 100;

/** While nothing is near, all processes are looked at in every so many intervals only. */
const CALM_INTERVALS = 3;

/**
 * How often a whole look is due: every interval, or less often while twice what the first step wants is
 * available, or more often where somebody may have to be ended.
 * @param costMs CPU time of the last look
 */
export function sampleEveryMs(
  { total, available }: MachineMemory,
  { settings, costMs }: { settings: GuardSettings; costMs: number },
): number {
  const { graduated, backstop, interval } = settings;
  const percent = total > 0 ? (available / total) * 100 : 100;
  const everyMs = interval * 1000;
  if (backstop.enabled && percent <= backstop.term_percent) {
    return Math.min(everyMs, Math.max(PRESSING_LEAST_MS, costMs / PRESSING_PART));
  }
  const first = graduated.enabled ? graduated.warn_percent : highest(settings);
  return everyMs * (percent > 2 * first ? CALM_INTERVALS : 1);
}
