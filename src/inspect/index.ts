/**
 * Limits shown to be in force: observe units, compare what was asked with what systemd and the
 * kernel hold, and name causes and remedies. `run` imports ./verify.js alone, which is light.
 */
export * from './compare.js';
export * from './context.js';
export * from './inspect.js';
export * from './verify.js';
