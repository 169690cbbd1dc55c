/** What the jobserver of a run is going to be, before anything is made. */
import type { JobserverAuth } from '../../jobserver/index.js';
import type { JobModel, Limits, Machine, OnDanger, Outcome } from '../../model/index.js';
import { ONE_CORE, parseCpuQuota } from '../../quantity/index.js';

/** A jobserver as it is planned. */
export interface JobserverPlan {
  auth: JobserverAuth;
  /** Most tokens; the tool itself has one slot besides. */
  cap: number;
  /** Memory of one job in bytes, as long as none was seen, and of a heavy one where that is known. */
  expected: number;
  largest?: number;
  /** Where those figures are from: `jobs.memory of coq-standard`. */
  from: string;
  onDanger: OnDanger;
  /** Whether one job may hold several tokens. */
  manyTokens: boolean;
  /** Where its files are. */
  directory: string;
}

/** What is expected of one job, and on what that rests. */
export type Expected = Pick<JobserverPlan, 'expected' | 'largest' | 'from'>;

/** Bytes that a job is expected to need where neither runs nor the profile tell. */
const UNKNOWN = 512 * 1024 ** 2;
/** As many of the latest runs are asked. */
const LATEST = 5;

/**
 * What one job is going to need: as the latest runs of the profile in that directory had it, else as
 * its job model says.
 * @param outcomes of the history, oldest first
 */
export function expectedOf(
  { profile, jobs, cwd }: { profile: string; jobs: JobModel | undefined; cwd: string },
  outcomes: readonly Pick<Outcome, 'profile' | 'cwd' | 'jobFigures'>[],
): Expected {
  const seen = outcomes
    .filter((outcome) => outcome.profile === profile && outcome.cwd === cwd)
    .flatMap(({ jobFigures }) => (jobFigures === undefined ? [] : [jobFigures]))
    .slice(-LATEST);
  if (seen.length > 0) {
    const medians = seen.map(({ memory }) => memory.median).sort((a, b) => a - b);
    return {
      expected: medians[Math.floor(medians.length / 2)] ?? UNKNOWN,
      largest: Math.max(...seen.map(({ memory }) => memory.max)),
      from: seen.length === 1 ? 'the last run here' : `the last ${seen.length} runs here`,
    };
  }
  if (jobs === undefined)
    return { expected: UNKNOWN, from: 'no figures: nothing is known of its jobs' };
  const { low, high } = jobs.memory;
  return { expected: low, largest: high, from: `jobs.memory of ${profile}` };
}

/**
 * Most jobs at one time: as many as fill the CPUs that the run may have, and at least as many as are
 * recommended.
 */
export function mostJobs(limits: Limits, jobs: JobModel | undefined, machine: Machine): number {
  const quota = limits.properties.find(({ property }) => property === 'CPUQuota')?.value;
  const amount = quota === undefined ? 'infinity' : parseCpuQuota(quota);
  const cpus = amount === 'infinity' ? machine.cpus : Math.min(machine.cpus, amount / ONE_CORE);
  const busy = Math.ceil(cpus / (jobs?.cores ?? 1));
  return Math.max(1, busy, limits.jobs?.high ?? 1);
}
