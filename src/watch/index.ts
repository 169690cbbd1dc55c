/**
 * Units while they run: samples of their cgroups, rates between two of them, the stall between
 * MemoryHigh and MemoryMax, and what breaks it. `run` imports ./sample.js and ./stall.js alone,
 * which are light.
 */
export * from './break.js';
export type { Look, UnitLook, Waiting } from './look.js';
export { onStallOf } from './policy.js';
export type { ProcessLook } from './processes.js';
export type { EndedUnit, WatchedUnit } from './units.js';
export * from './watch.js';
