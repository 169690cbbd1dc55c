/** Slurm as a place to run in: what is asked of it, what a step reports, what Slurm says of its end. */
export { type Asked, believeStep } from './believe.js';
export { type ClusterNode, parseNodes, SINFO, smallestNode } from './nodes.js';
export { parsePlace } from './place.js';
export { type Begun, type Ended, parseReport, wrapStep } from './prologue.js';
export {
  guessFromWords,
  isFinal,
  isOfSlurm,
  parseSacct,
  parseScontrol,
  SACCT,
  type StepState,
} from './state.js';
