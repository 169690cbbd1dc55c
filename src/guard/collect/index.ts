/** What the guard writes down: its log, and data for later analysis. */
export * from './data.js';
export * from './entry.js';
export * from './log-file.js';
