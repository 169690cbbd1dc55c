/** Keeps chosen processes alive, and the machine with them: sample, decide (pure), act. */
export type { Action } from './decide/types.js';
export type { GuardEvent } from './events.js';
export { type Preview, previewGuard } from './preview.js';
export { type Replay, replayTrace } from './replay.js';
export { type GuardEnd, loadSettings, runGuard } from './run.js';
export { settingsFile, settingsPlace } from './settings/places.js';
export { type GuardStatus, guardStatus } from './status.js';
