/** The single jobs of a run: what a build tool starts and waits for, and how much memory each takes. */
export { JobCensus } from './census.js';
export { findJobs, type Job, type JobProcess } from './find.js';
export { type JobLook, JobLooker } from './look.js';
export { CgroupSource, type JobSource } from './source.js';
