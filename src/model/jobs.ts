/**
 * What was seen of the single jobs of a run. A job is what a build tool starts and waits for (one
 * compiler with its helpers), or a process that the profile names as one.
 */
export interface JobFigures {
  /** Jobs that were looked at once at least; very short ones are missed. */
  seen: number;
  /** Of the jobs' peaks of anonymous memory, in bytes. */
  memory: { median: number; p90: number; max: number };
  /**
   * The same peaks, counted by size: the lower bound of a bucket in bytes, and how many were in it.
   * Rising; empty buckets are left out. Four buckets double the size.
   */
  histogram: [bytes: number, count: number][];
  /** Most jobs at one time, and how many on average while there was one. */
  concurrency: { most: number; mean: number };
  /** Names of the largest processes of the jobs, the most frequent first: comm → jobs. */
  names: Record<string, number>;
}

/** The course of a run in a bounded number of steps of the same length. */
export interface RunSeries {
  /** Length of a step in milliseconds. */
  stepMs: number;
  /** Most anonymous memory of the run in each step, bytes. */
  memory: number[];
  /** Most jobs at one time in each step. */
  jobs: number[];
  /** Tokens that the jobserver had given out at most in each step, where there was one. */
  tokens?: number[];
}

/** What the jobserver of a run did. */
export interface JobserverFigures {
  /** How tools reached it: make's FIFO, or a pair of inherited descriptors. */
  style: 'fifo' | 'pipe';
  /** Most tokens out at one time, and the most it would have given; the implicit slot is not counted. */
  most: number;
  cap: number;
  /** How often a job was frozen, and for how long in all, in milliseconds. */
  freezes: number;
  frozenMs: number;
  /** Jobs it killed because the profile says so. */
  kills: number;
  /** Tokens that clients lost and that were replaced, and tokens too many that were taken out. */
  lost: number;
  surplus: number;
}
