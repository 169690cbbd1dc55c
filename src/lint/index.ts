/** Lints: what is wrong with profiles before they are used. */
export { checkProfiles, checkText, type ProfileCheck } from './check.js';
export { LINT_IDS } from './lint.js';
export type { ProfileProblem } from './loaded.js';
