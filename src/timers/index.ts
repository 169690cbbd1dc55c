/** Timers and services of systemd that rlimit sets up: verification, metrics, early warning. */

export * from './options.js';
export * from './timers.js';
export {
  INSTALLED_BY,
  startedUnit,
  TIMER_NAMES,
  TIMER_TITLES,
  type TimerName,
  type TimerOptions,
  unitTexts,
  workingUnit,
} from './units.js';
