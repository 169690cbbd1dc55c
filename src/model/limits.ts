import type { Origin } from './profile.js';

/** One property with the concrete value it has on one machine. */
export interface Limit {
  /** systemd's name: `MemoryMax`. */
  property: string;
  /** The value in systemd's own syntax, concrete: `150G`, `2700%`, `300`. */
  value: string;
  /** The value as the profile says it: `60% of memory`. */
  wish: string;
  /** How the one became the other, where it did: `60% of 252G is 151.2G, rounded down`. */
  rule?: string;
  origin: Origin;
}

/** A property of the profile that is not passed on here, and why. */
export interface LeftOut {
  property: string;
  wish: string;
  why: string;
}

/** Which bound decided a recommended number of jobs. */
export type JobBound = 'cores' | 'memory' | 'fixed' | 'minimum';

/** A recommended `-j`: the range, the pick, and what decided. */
export interface JobAdvice {
  low: number;
  high: number;
  pick: number;
  bound: JobBound;
  /** One sentence: the bound with its figures. */
  reason: string;
  /** Things to know that the numbers do not say, as whole sentences. */
  notes: string[];
}

/** A profile resolved on a machine. */
export interface Limits {
  profile: string;
  properties: Limit[];
  leftOut: LeftOut[];
  jobs?: JobAdvice;
  /** Variables for the command, with `${jobs}` replaced. */
  environment: Record<string, string>;
}
