/** Timers and services of systemd that rlimit sets up: verification, metrics, early warning. */
export * from './timers.js';
export { TIMER_NAMES, TIMER_TITLES, type TimerName, type TimerOptions } from './units.js';
