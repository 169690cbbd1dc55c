import type { TroubleId } from './trouble.js';

/** `problem`: a hard limit is not in force. `warning`: a weight or hint cannot bind. */
export type Severity = 'problem' | 'warning';

/** Wanted against observed, with the cause and the remedy. */
export interface Finding {
  id: TroubleId;
  severity: Severity;
  unit?: string;
  property?: string;
  wanted?: string;
  observed?: string;
  /** Where it is decided: `FILE:LINE` of a unit file, or the path of a cgroup. */
  where?: string;
  /** What is wrong and why, as a sentence. */
  cause: string;
  /** The command or edit that mends it, as a sentence or a shell line. */
  remedy?: string;
}
