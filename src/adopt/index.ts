/** `rlimit adopt`: running processes, with all their descendants, into a limited scope. */
export { type AdoptOptions, adopt } from './adopt.js';
export type { AdoptedProcess, AdoptReport } from './report.js';
