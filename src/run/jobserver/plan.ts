/** What the jobserver of a run is going to be, before anything is made. */
import type { JobserverFigures, LeftOut, Machine, OnDanger, Profile } from '../../model/index.js';

/** A jobserver as it is planned. */
export interface JobserverPlan {
  style: JobserverFigures['style'];
  /** What stands behind `--jobserver-auth=`. */
  auth: string;
  /** Most tokens; the tool itself has one slot besides. */
  cap: number;
  /** Memory of one job in bytes, as long as none was seen, and of a heavy one where that is known. */
  expected: number;
  largest?: number;
  /** Where those figures are from: `jobs.memory of coq-standard`. */
  from: string;
  onDanger: OnDanger;
  /** Where its files are. */
  directory: string;
  /** Numbers that the pipes have in the command. */
  descriptors: readonly [read: number, write: number];
  /** Names of processes that are jobs, besides those that build tools start. */
  processes: readonly string[];
}
