/** What is remembered of running units under `$XDG_RUNTIME_DIR/rlimit`. */
export * from './read.js';
export * from './write.js';
