/** cgroup v2 files as typed values, from a given root. Nothing heavy is imported here. */
export * from './end.js';
export * from './error.js';
export * from './family.js';
export * from './guard.js';
export * from './make.js';
export * from './member.js';
export * from './own-memory.js';
export * from './parse.js';
export * from './process.js';
export * from './read.js';
export { sendSignal } from './signal.js';
export * from './tree.js';
export * from './usage.js';
