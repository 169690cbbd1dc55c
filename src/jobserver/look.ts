import type { Amount } from '../model/index.js';

/** One running job as the census of jobs sees it. */
export interface SeenJob {
  /** The same job has the same key in every look, and no later job has it again. */
  key: string;
  /** Since the job was started, in milliseconds. */
  ageMs: number;
  /** Anonymous memory of its processes, in bytes. */
  memory: number;
  /** Its processes are stopped by us. */
  frozen: boolean;
}

/** What is seen at one moment. A decision hangs on the looks so far and on nothing else. */
export interface Look {
  /** Monotonic, in milliseconds. */
  nowMs: number;
  /** The tightest of the scope's own limits, its ancestors' and the budget's, in bytes. */
  limit: Amount;
  /** Memory of the scope that cannot be dropped, in bytes: without page cache that can go. */
  used: number;
  /** MemAvailable of the machine, in bytes. */
  available?: number;
  /** `some avg10` of the scope's memory.pressure, in percent. */
  pressure?: number;
  jobs: readonly SeenJob[];
  /** Tokens given and not come back: in clients' hands, or waiting in the pipe. */
  tokensOut: number;
  /** Tokens that wait unread in the pipe, where that can be known. None: clients may want more. */
  demand?: number;
  /** The most tokens there may be now, where that is no longer `PolicyOptions.cap`. */
  cap?: number;
}

/** What is to be done after a look. */
export interface Decision {
  /**
   * How many tokens may be out. The implicit slot of the tool is not counted. Fewer than are out:
   * the next ones that come back stay here.
   */
  tokens: number;
  /** Keys of running jobs to be stopped now. */
  freeze: string[];
  /** Keys of frozen jobs to be let go on now, in this order. */
  thaw: string[];
  /** Key of a job to be killed now. */
  kill?: string;
  /** Tokens of `tokensOut` that no client has any more: count them as come back. */
  lost: number;
  /** Tokens in the pipe that were never given: to be taken out, or not to be passed on. */
  surplus: number;
  /** One job alone does not fit under the limit: to be said once. */
  tooLarge?: { key: string; memory: number };
  /** Jobs that run without a token: something has a -j of its own. */
  beyond: number;
  /** Look again after this time at the latest, in milliseconds. */
  againMs: number;
}
