/** Tokens for build tools that follow memory: what to decide, and how tools are reached. */

export * from './cap.js';
export * from './clients.js';
export * from './freezer.js';
export * from './look.js';
export * from './makeflags.js';
export * from './memory.js';
export * from './peers.js';
export * from './policy.js';
export * from './server.js';
export * from './shares.js';
export * from './sight.js';
export * from './transport/index.js';
