/** Small helpers on text that every room may use. */
export * from './counted.js';
export * from './diff.js';
export * from './nearest.js';
export * from './safe.js';
export * from './shell.js';
