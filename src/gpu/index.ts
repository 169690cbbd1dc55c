/** GPUs of NVIDIA: what is on them, what is to be ended, and their driver. */
export * from './confirm.js';
export * from './decide.js';
export * from './driver.js';
export * from './performance.js';
export * from './program.js';
export * from './read.js';
