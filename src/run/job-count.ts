import type { JobsSeen } from './jobs.js';
import type { RunProcesses } from './launcher.js';

/** A run that ends before has no jobs worth telling of, and pays nothing for them. */
const BEGIN_MS = 1000;

/**
 * Begins to look at the single jobs of a run once it has lived a while.
 * @param othersMs CPU time in ms that is spent on the run's own figures
 */
export function countJobs(
  processes: RunProcesses,
  names: readonly string[],
  othersMs: () => number,
): { stop(): JobsSeen } {
  let watch: { stop(): JobsSeen } | undefined;
  let hasEnded = false;
  const begin = async (): Promise<void> => {
    const { jobSource, watchJobs } = await import('./jobs.js');
    if (!hasEnded) watch = watchJobs(jobSource(processes), names, othersMs);
  };
  const timer = setTimeout(() => void begin(), BEGIN_MS);
  return {
    stop() {
      hasEnded = true;
      clearTimeout(timer);
      return watch?.stop() ?? {};
    },
  };
}
