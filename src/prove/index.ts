/** Small experiments which show that the kernel enforces limits on this machine. */
export * from './prove.js';
export * from './types.js';
