/** Facts of this computer, read from a given root of /proc and /sys. */
export * from './read.js';
