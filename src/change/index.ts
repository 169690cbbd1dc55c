/** `rlimit tune UNIT -p NAME=VALUE`: changes the limits of a unit while it runs. */
export { type ChangeOptions, changeUnit } from './change.js';
export type { Hazard } from './hazards.js';
export type { ChangeReport, ChangeRow } from './report.js';
