/** A sample of the machine for people: a table, or a frame on a terminal. */
export * from './frame.js';
export { sortUnits } from './units.js';
export * from './view.js';
