import type { JobFigures, Outcome } from '../../../src/model/index.js';
import { GiB, MiB } from '../../../src/quantity/index.js';
import { outcome } from '../history/outcome.js';

/** A run whose jobs were seen. Sizes in bytes. */
export interface RunWords {
  /** Peaks of single jobs. */
  jobs?: readonly number[];
  /** Most at a time. */
  most?: number;
  /** What was asked for with -j. */
  asked?: number;
  limit?: string;
  cores?: number;
  throttled?: number;
  words?: Partial<Outcome>;
}

/** Twelve jobs of 1G, four at a time, under 60G: 3 cores of CPU time. */
export function runOf(words: RunWords = {}): Outcome {
  const { jobs = Array(12).fill(GiB), most = 4, asked = most, limit = '60G' } = words;
  const { cores = 3, throttled = 0 } = words;
  const elapsedMs = 600_000;
  const sorted = [...jobs].sort((a, b) => a - b);
  const peak = sorted.slice(-most).reduce((sum, bytes) => sum + bytes, 0);
  return outcome({
    elapsedMs,
    limits: { MemoryMax: limit },
    jobs: asked,
    figures: { anonPeak: peak, cpuUsec: cores * elapsedMs * 1000, throttledPart: throttled },
    jobFigures: jobFigures(sorted, most),
    ...words.words,
  });
}

/** The same, killed at its limit. */
export function killedRun(words: RunWords = {}): Outcome {
  const run = runOf(words);
  const { status: _, ...rest } = run;
  return {
    ...rest,
    signal: 'SIGKILL',
    figures: { ...run.figures, oomKills: 1 },
    verdict: { id: 'memory-max', says: 'killed at its own MemoryMax', evidence: [] },
    ...words.words,
  };
}

function jobFigures(sorted: readonly number[], most: number): JobFigures {
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
  return {
    seen: sorted.length,
    memory: { median: at(0.5), p90: at(0.9), max: at(1) },
    histogram: histogramOf(sorted),
    concurrency: { most, mean: most * 0.75 },
    names: { cc1plus: sorted.length },
  };
}

/** Four buckets double the size, counted from 1 MiB. */
function histogramOf(sizes: readonly number[]): [number, number][] {
  const counts = new Map<number, number>();
  for (const size of sizes) {
    const bucket = Math.round(MiB * 2 ** (Math.floor(Math.log2(size / MiB) * 4 + 1e-9) / 4));
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
  }
  return [...counts].sort(([a], [b]) => a - b);
}
