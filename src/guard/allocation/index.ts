/** Processes that take memory fast, by eBPF or by sampling. */
export * from './watch.js';
