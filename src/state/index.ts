/**
 * What rlimit remembers: running units under `$XDG_RUNTIME_DIR/rlimit`, the history of runs, and other
 * files of lines.
 */
export * from './append.js';
export * from './generations.js';
export * from './history.js';
export * from './read.js';
export * from './read-history.js';
export * from './write.js';
