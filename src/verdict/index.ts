/** How a run ended and what to change: pure, from the evidence that `run` gathers. */
export * from './advise.js';
export type * from './evidence.js';
export * from './guard.js';
export * from './judge.js';
