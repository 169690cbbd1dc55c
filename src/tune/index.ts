/** Recommending: how many jobs at a time, and what to try next. */
export * from './advise.js';
export * from './evidence.js';
export * from './from-history.js';
export * from './learn.js';
export * from './picture.js';
