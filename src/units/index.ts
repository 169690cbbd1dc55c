/** Files that rlimit writes for systemd: their text, how they are put in place, and the way back. */
export * from './own-file.js';
export { isSealed, seal } from './seal.js';
export * from './states.js';
export { type Section, unitText } from './text.js';
export { type AskProgram, aboutThem, complaintsOf, type UnitText } from './verify.js';
export * from './words.js';
