/** Looks at the single jobs of a run. Loaded only for runs that last. */
import { CgroupSource, JobCensus, JobLooker, type JobSource } from '../jobs/index.js';
import type { JobsSeen } from './job-count.js';
import type { RunProcesses } from './launcher.js';
import { Sampling } from './sampling.js';
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
  const sampling = new Sampling(
    { sample, isTight: false },
    { ...PACE, longestMs: () => LONGEST_PAUSE_MS + LONGER_FOR_EACH_MS * looker.processes },
  );
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

/**
 * With the share of the run's own figures (src/run/sampling.ts) half a percent of a core. A look costs
 * some 5 µs a process and 0.3 ms besides, so the longest pause is a tenth of a percent and less on
 * any but a very slow machine.
 */
const PACE = { firstMs: 1, mostMs: 250, share: 0.002, allowanceMs: 50 };
const LONGEST_PAUSE_MS = 2000;
const LONGER_FOR_EACH_MS = 10;
