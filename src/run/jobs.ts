/** Looks at the single jobs of a run. Loaded only for runs that last. */
import { CgroupSource, JobCensus, JobLooker, type JobSource } from '../jobs/index.js';
import type { JobsSeen } from './job-count.js';
import type { RunProcesses } from './launcher.js';
import { type Pace, Sampling } from './sampling.js';
import { monotonicMs } from './signals.js';

/** Looks by itself until it is stopped. */
export function watchJobs(processes: RunProcesses, names: readonly string[]): { stop(): JobsSeen } {
  const looker = new JobLooker({ source: jobSource(processes), names });
  const census = new JobCensus();
  const sample = (): void => {
    try {
      census.add(looker.look(monotonicMs()));
    } catch {
      // A file that cannot be read at this moment (no more may be opened): a look less.
    }
  };
  const sampling = new Sampling({ sample, isTight: false }, PACE);
  return {
    stop() {
      sampling.stop();
      looker.close();
      return seenBy(census);
    },
  };
}

/** Where the jobs of a run are looked for. */
export function jobSource(processes: RunProcesses): JobSource {
  if ('cgroup' in processes) return new CgroupSource(processes.cgroup);
  return { members: () => processes.members(), anon: () => undefined, close: () => {} };
}

/** What an outcome tells of the jobs that were seen. */
export function seenBy(census: JobCensus): JobsSeen {
  const jobFigures = census.figures();
  return jobFigures === undefined ? {} : { jobFigures, series: census.series() };
}

/** With the share of the run's own figures (src/run/sampling.ts) half a percent of a core. */
const PACE: Pace = {
  firstMs: 1,
  mostMs: 250,
  share: 0.002,
  allowanceMs: 100,
  // Of ten thousand processes a look takes long, and then there are few.
  longestMs: 600_000,
};
