/** Plans: what a machine is to be like for good, written, seen in force, and taken back. */
export { applyPrepared, checkPlan, revertPlan } from './apply.js';
export { preparePlan } from './prepare.js';
export { findPlan, listPlans, type PlanEntry, planToRevert } from './read-plan.js';
export type { ApplyReport, CheckReport, FileDiff, Prepared, Preview } from './report.js';
export type { Verified, VerifiedUnit } from './verify.js';
