/** What there is to draw of a run and of the jobs of a profile. Plain data in and out. */
import type { Run } from '../history/index.js';
import { plainBytes } from '../quantity/index.js';
import type { Evidence } from './evidence.js';

/** A run over time, and the sizes of jobs. Memory in bytes. */
export interface Picture {
  profile: string;
  run?: {
    id: string;
    unit: string;
    /** Milliseconds since the epoch. */
    started: number;
    elapsedMs: number;
    verdict: string;
    /** Its MemoryMax, where it had one. */
    limit?: number;
    stepMs: number;
    /** Most anonymous memory in each step, and most jobs. */
    memory: number[];
    jobs: number[];
    /** Most tokens that the jobserver had given out in each step. */
    tokens?: number[];
  };
  sizes?: {
    /** Lower bound of a bucket, and how many jobs were in it; four buckets double the size. */
    histogram: [bytes: number, count: number][];
    /** Jobs in it, and runs that they are from. */
    jobs: number;
    runs: number;
    /** 95 % of the jobs took no more. */
    high?: number;
  };
}

/**
 * Puts together what can be drawn.
 * @param runs of the profile, in the order in which they ended
 * @param chosen a run that was asked for: only its own jobs are shown then
 * @returns undefined where there is nothing to draw
 */
export function pictureOf(
  profile: string,
  runs: readonly Run[],
  evidence: Evidence,
  chosen?: Run,
): Picture | undefined {
  const run = courseOf(chosen ?? runs.findLast((each) => (each.series?.memory.length ?? 0) > 0));
  const sizes = chosen === undefined ? sizesOf(evidence) : ownSizes(chosen);
  if (run === undefined && sizes === undefined) return undefined;
  return {
    profile,
    ...(run === undefined ? {} : { run }),
    ...(sizes === undefined ? {} : { sizes }),
  };
}

function courseOf(run: Run | undefined): Picture['run'] {
  if (run?.series === undefined || run.series.memory.length === 0) return undefined;
  const { stepMs, memory, jobs, tokens } = run.series;
  const limit = plainBytes(run.limits.MemoryMax ?? '');
  return {
    id: run.shortId,
    unit: run.unit,
    started: run.started,
    elapsedMs: run.elapsedMs,
    verdict: run.verdict.id,
    ...(typeof limit === 'number' ? { limit } : {}),
    stepMs,
    memory,
    jobs,
    ...(tokens === undefined ? {} : { tokens }),
  };
}

function sizesOf({ perJob, jobs, runs }: Evidence): Picture['sizes'] {
  if (perJob === undefined || perJob.histogram.length === 0) return undefined;
  const { histogram, high, isFromKill } = perJob;
  return { histogram, jobs, runs, ...(isFromKill ? {} : { high }) };
}

function ownSizes({ jobFigures }: Run): Picture['sizes'] {
  if (jobFigures === undefined || jobFigures.histogram.length === 0) return undefined;
  return { histogram: jobFigures.histogram, jobs: jobFigures.seen, runs: 1 };
}
