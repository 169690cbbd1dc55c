/** What rlimit remembers: running units under `$XDG_RUNTIME_DIR/rlimit`, and the history of runs. */
export * from './history.js';
export * from './read.js';
export * from './read-history.js';
export * from './write.js';
