/** Plans: what a machine is to be like for good, written, seen in force, and taken back. */
export {
  type ApplyReport,
  applyPrepared,
  type CheckReport,
  checkPlan,
  type FileDiff,
  type Prepared,
  type Preview,
  preparePlan,
  revertPlan,
} from './apply.js';
export { findPlan, listPlans, type PlanEntry } from './read-plan.js';
export type { Verified, VerifiedUnit } from './verify.js';
