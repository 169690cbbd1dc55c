/** How much memory one job wants, by what was seen of jobs and of killed runs. */
import type { Outcome } from '../model/index.js';
import { sum } from './weights.js';

/** The share of the jobs that a recommendation must hold: the high quantile. */
const QUANTILE = 0.95;

/** Four buckets of a histogram double the size, so that is how far one reaches. */
const BUCKET_REACH = 2 ** 0.25;

/** A killed job needed more than it had; how much more nobody knows. A sixteenth is the least told. */
const MORE = 17 / 16;

/** Memory of one job in bytes. */
export interface JobMemoryFigures {
  /** Half of the jobs took no more. */
  median: number;
  /** 95 % of the jobs took no more, or what killed runs show to be too little for it. */
  high: number;
  /** The largest job, never below `high`. */
  max: number;
  /** Whether a killed run decided `high`: then it is a guess from below. */
  isFromKill: boolean;
  /** The jobs of all runs that count, by size: lower bound in bytes and number. */
  histogram: [bytes: number, count: number][];
}

/** A run that was killed with so many jobs in so many bytes. */
export interface Kill {
  jobs: number;
  bytes: number;
  /** Bytes that its largest job was seen to have. */
  largest: number;
}

/**
 * Merges the histograms of runs.
 * @param weights what each run counts
 */
export function jobMemory(
  runs: readonly Outcome[],
  weights: ReadonlyMap<Outcome, number>,
  kills: readonly Kill[],
): JobMemoryFigures | undefined {
  const counted = new Map<number, { weight: number; count: number }>();
  for (const run of runs) {
    for (const [bytes, count] of run.jobFigures?.histogram ?? []) {
      const bucket = counted.get(bytes) ?? { weight: 0, count: 0 };
      bucket.weight += count * (weights.get(run) ?? 0);
      bucket.count += count;
      counted.set(bytes, bucket);
    }
  }
  const buckets = [...counted].sort(([a], [b]) => a - b);
  const largest = Math.max(0, ...runs.map(({ jobFigures }) => jobFigures?.memory.max ?? 0));
  const weighted = buckets.map(([bytes, { weight }]) => [bytes, weight] as const);
  const seen = quantile(weighted, QUANTILE, largest);
  const told = Math.max(0, ...kills.map(({ jobs, bytes }) => (bytes / jobs) * MORE));
  const high = Math.max(seen, told);
  if (high <= 0) return undefined;
  return {
    median: Math.round(quantile(weighted, 0.5, largest)) || Math.round(high),
    high: Math.round(high),
    max: Math.round(Math.max(high, largest, ...kills.map((kill) => kill.largest))),
    isFromKill: told > seen,
    histogram: buckets.map(([bytes, { count }]) => [bytes, count]),
  };
}

/** The upper end of the bucket that a share of the weight lies in or below, at most the largest. */
function quantile(
  buckets: readonly (readonly [bytes: number, weight: number])[],
  share: number,
  largest: number,
): number {
  const total = sum(buckets.map(([, weight]) => weight));
  let below = 0;
  for (const [bytes, weight] of buckets) {
    below += weight;
    if (below >= share * total) return Math.min(bytes * BUCKET_REACH, Math.max(largest, bytes));
  }
  return 0;
}
