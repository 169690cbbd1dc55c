/** Tables, colour and wording for people: chalk and cli-table3 live only in this room. */
export * from './error.js';
export * from './finding.js';
export * from './style.js';
export * from './table.js';
