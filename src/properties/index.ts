/** The resource-control properties rlimit knows, and what values they take. */
export * from './table.js';
export * from './value.js';
