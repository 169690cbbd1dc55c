/** `rlimit kill`: ends units, and nothing else. */
export type { End, EndedProcess } from './end.js';
export * from './kill.js';
