/** Recommending: how many jobs at a time, and what to try next. */
export * from './advise.js';
