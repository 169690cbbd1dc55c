/** What `rlimit apply` is asked, and what it tells; also what `--json` prints. */

import type { Hook } from '../units/index.js';
import type { Compiled, LeftOver, Sums } from './compile/types.js';
import type { Plan } from './plan.js';
import type { System } from './system.js';
import type { Verified } from './verify.js';

export interface ApplyOptions {
  /** Write into this tree, and do nothing else. */
  root?: string;
  /** Keys of `--machine`. */
  machine?: string;
  /** Lets pass what is refused as unwise, or changed by somebody. */
  force?: boolean;
  /** Limits are not judged: they are looked for, or taken back. */
  lenient?: boolean;
  /** Until the next boot. */
  runtime?: boolean;
  /** Whether services may be started anew; they may where it is not said. */
  restart?: boolean;
  env?: NodeJS.ProcessEnv;
  uid?: number;
  system?: System;
  /** For tests: called before each change of the file system. */
  hook?: Hook;
}

/** How one file differs from the plan. */
export interface FileDiff {
  path: string;
  why: string;
  change: 'new' | 'changed' | 'removed';
  /** Unified. */
  diff: string;
}

/** What a plan would do. */
export interface Preview {
  plan: string;
  summary: string;
  /** Whether the files are written into a tree, on trial, or for good. */
  way: 'tree' | 'trial' | 'for good';
  files: FileDiff[];
  /** What is done afterwards, as lines. */
  commands: string[];
  sums: Sums;
  notes: string[];
  left: LeftOver[];
  /** A change that a crash cut short: what comes of it first. */
  interrupted?: 'apply' | 'revert';
  /** Files that somebody has changed since. */
  edited: string[];
}

/** What was done. */
export interface ApplyReport extends Preview {
  outcome: 'nothing' | 'applied' | 'reverted' | 'rolled-back';
  /** What was put right first. */
  recovered?: string;
  /** Absent in a tree, and after a revert. */
  verified?: Verified;
  /** Why it was rolled back. */
  failure?: { step: string; said: string };
  /** What could not be taken back, or was kept, as sentences. */
  remarks: string[];
}

/** A plan on this machine, looked at and not yet applied. */
export interface Prepared {
  plan: Plan;
  compiled: Compiled;
  preview: Preview;
  options: ApplyOptions;
}

/** What has drifted from a plan since it was applied. */
export interface CheckReport {
  plan: string;
  /** Whether there is a journal of it. */
  isApplied: boolean;
  interrupted?: 'apply' | 'revert';
  files: FileDiff[];
  verified?: Verified;
  notes: string[];
  isAsPlanned: boolean;
}
