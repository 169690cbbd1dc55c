/** Earlier runs: naming one, choosing some, summing them up. Pure: plain data in and out. */
export * from './runs.js';
export * from './select.js';
export * from './totals.js';
export * from './when.js';
