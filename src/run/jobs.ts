/** Looks at the single jobs of a run. Evaluated only for runs that last. */

import { CgroupSource, JobCensus, JobLooker, type JobSource } from '../jobs/index.js';
import { monotonicMs } from '../machine/clock.js';
import type { Outcome } from '../model/index.js';
import type { RunProcesses } from './launcher.js';
import { Sampling } from './sampling.js';

/** What an outcome tells of jobs; empty where there were none. */
export type JobsSeen = Pick<Outcome, 'jobFigures' | 'series' | 'jobserver'>;

/**
 * Looks by itself until it is stopped.
 * @param othersMs CPU time in ms that is spent on the run's own figures
 */
export function watchJobs(
  source: JobSource,
  names: readonly string[],
  othersMs: () => number,
): { stop(): JobsSeen } {
  const looker = new JobLooker({ source, names });
  const census = new JobCensus();
  const sample = (): void => {
    try {
      census.add(looker.look(monotonicMs()));
    } catch {
      // A file that cannot be read at this moment (no more may be opened): a look less.
    }
  };
  const longestMs = () => LONGEST_PAUSE_MS + LONGER_FOR_EACH_MS * looker.processes;
  const sampling = new Sampling({ sample, isTight: false }, { ...PACE, longestMs, othersMs });
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
 * Less than half a percent of a core in the long run, with what the run's own figures cost. A look costs some 10 µs
 * a process and 0.3 ms besides, so the longest pause is a tenth of a percent on any but a very slow
 * machine.
 */
const PACE = { firstMs: 1, mostMs: 250, share: 0.004, allowanceMs: 50 };
const LONGEST_PAUSE_MS = 2000;
const LONGER_FOR_EACH_MS = 10;
