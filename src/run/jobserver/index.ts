/**
 * `--jobs auto`: rlimit is the jobserver of the build tools in a run. `run` loads this only where that
 * is asked for.
 */
export { openJobserver, type RunningJobserver } from './open.js';
export { type JobserverFacts, withJobserver } from './prepare.js';
