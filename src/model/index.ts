/**
 * The words every other room speaks: plain data, no code.
 *
 *   profile ─resolve(machine)→ limits ─compile(systemd)→ properties ─launch→ unit
 *                                 └────────── compare ←── observe ──────────┘
 *                                               │
 *                                      finding / outcome → render
 */
export type * from './alert.js';
export type * from './budget.js';
export type * from './check.js';
export type * from './finding.js';
export type * from './guard.js';
export type * from './jobs.js';
export type * from './limits.js';
export type * from './machine.js';
export type * from './machine-sample.js';
export type * from './outcome.js';
export type * from './profile.js';
export type * from './trouble.js';
export type * from './unit.js';
