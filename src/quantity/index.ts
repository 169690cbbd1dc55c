/** Quantities in systemd's own syntax: parse and print, nothing else. */
export * from './addresses.js';
export * from './bytes.js';
export * from './count.js';
export * from './cpu-list.js';
export * from './cpu-quota.js';
export * from './duration.js';
export * from './error.js';
export * from './percent.js';
export * from './rate.js';
export * from './share.js';
