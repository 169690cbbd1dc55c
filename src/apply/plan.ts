/** A plan: what a machine is to be like for good. Values stand as they were written. */
import type { Controller } from '../model/index.js';
import type { TimerChoices, TimerName } from '../timers/index.js';

/** Which units a part of a plan is for. */
export type TargetUnits =
  /** Services of the system; `t3-serve@*.service` are all instances of a template. */
  | { kind: 'service'; names: string[] }
  /** The slice of each user, whoever that is: `user-.slice`. */
  | { kind: 'users' }
  /** A slice of the system. */
  | { kind: 'slice'; name: string }
  /** Units of every user's own manager; a name that ends in a dash stands for all that begin so. */
  | { kind: 'every-user'; names: string[] }
  /** A slice of the caller's own manager. */
  | { kind: 'this-user'; name: string };

/** Settings that a service of some kind is known to bear (see compile/hardening.ts). */
export type Hardening = 'model-server' | 'network-server';

/** Limits bound to units. */
export interface Target {
  units: TargetUnits;
  profile?: string;
  /** systemd property name → value as written; over those of the profile, an empty one takes away. */
  limits: Record<string, string>;
  hardening?: Hardening;
  /** OOMScoreAdjust= of a service: the higher, the sooner the kernel and earlyoom choose it. */
  oomScore?: number;
  /** 1-based line in the plan's file. */
  line?: number;
}

/** When earlyoom acts, in percent of memory that is free, and on whom. */
export interface EarlyoomPlan {
  term: number;
  kill: number;
  /** Names of processes, `*` for what follows. */
  avoid: string[];
  prefer: string[];
}

/** Bytes, and the order in which areas are used: the highest first. */
export interface SwapFile {
  path: string;
  size: number;
  priority: number;
}

export interface Zram {
  size: number;
  priority: number;
  algorithm?: string;
}

export interface NixPlan {
  /** A number, or a share of the cores. */
  maxJobs: string;
  cores: number;
  /** Seconds after which a build is given up. */
  timeout?: number;
}

/** Timers as `rlimit timers install --system` sets them up. */
export interface TimersPlan {
  names: TimerName[];
  options: TimerChoices;
}

export interface Plan {
  name: string;
  /** Absent for a ready plan. */
  file?: string;
  summary: string;
  why?: string;
  /** The machine that it was written for: bytes, and cores. */
  machine?: { memory?: number; cores?: number };
  /** What is used besides on an ordinary day, in bytes: it counts in the sums and is no limit. */
  dailyUse?: number;
  targets: Target[];
  earlyoom?: EarlyoomPlan;
  swap?: { file?: SwapFile; zram?: Zram; swappiness?: number };
  nix?: NixPlan;
  /** The slice that docker puts containers into. */
  containers?: string;
  /** Controllers that users' managers are given. */
  delegate?: Controller[];
  timers?: TimersPlan;
  /** Checks of `rlimit doctor` that are made when the plan is in force. */
  checks: string[];
}
