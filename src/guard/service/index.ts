/** The guard as a service of systemd. */
export * from './install.js';
export * from './needs.js';
export * from './state.js';
export * from './unit.js';
