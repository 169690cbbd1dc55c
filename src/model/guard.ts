/** What a guard does, by name: stable, since metrics are told by it. */
export type GuardActionKind =
  /** oom_score_adj raised, and put back. */
  | 'adjust'
  | 'restore'
  /** A run stands still, and goes on. */
  | 'freeze'
  | 'thaw'
  /** A process that filled a GPU was ended. */
  | 'gpu'
  /** A process or a whole run got SIGTERM, or SIGKILL. */
  | 'term'
  | 'kill'
  | 'livelock'
  | 'protect'
  | 'unprotect'
  /** Jobservers were told how many tokens they may give. */
  | 'tokens'
  | 'warn';

/** Something a guard did that a run or a watch may want to know of. */
export interface GuardDeed {
  kind: Exclude<GuardActionKind, 'adjust' | 'restore' | 'protect' | 'unprotect'>;
  /** Milliseconds on CLOCK_MONOTONIC, and since the epoch. */
  atMs: number;
  time: number;
  /** The unit, or the cgroup of the process. */
  unit?: string;
  cgroup?: string;
  /** comm is hostile until printable(). */
  process?: { pid: number; startTicks: number; comm: string };
  signal?: 'SIGTERM' | 'SIGKILL';
  /** Bytes that the victim held: of memory, or of a GPU's. */
  memory?: number;
  /** Percent of the machine's memory that was available. */
  available?: number;
  /** The most tokens that each jobserver may have out; absent: as each likes. */
  most?: number;
  /** A stall: MemoryHigh was lifted, or the largest process ended. */
  how?: 'raise' | 'kill';
  /** What the guard saw, as a sentence. */
  why: string;
}

/** What a guard has done since boot, as it keeps it for others to read. */
export interface GuardDeeds {
  version: 1;
  /** The guard that wrote it; it may have ended. */
  guard: { pid: number; startTicks: number; uid: number };
  /** It tells alerts itself, in the places of its user. */
  tells: boolean;
  /** How often each was done, and how often it could not be. */
  done: Partial<Record<GuardActionKind, number>>;
  failed: Partial<Record<GuardActionKind, number>>;
  /** The last ones, oldest first. */
  deeds: GuardDeed[];
}

/** A guard as a sample of the machine has it. */
export interface GuardSample {
  /** Whose it is: the machine's, or the user's. */
  of: 'machine' | 'user';
  running: boolean;
  /** While it runs: its alerts come to the same places as those of who looks. */
  tells: boolean;
  done: GuardDeeds['done'];
  failed: GuardDeeds['failed'];
  /** When it last warned of short memory, on CLOCK_MONOTONIC. */
  warnedMs?: number;
}

/** What guards did to one run of `rlimit run`. */
export interface GuardTouch {
  /** It ended the run, or one of its processes: the last time that it did. */
  ended?: {
    /** Whose guard it was. */
    of: 'machine' | 'user';
    /** The whole run got the signal, or one process of it. */
    whole: boolean;
    signal: 'SIGTERM' | 'SIGKILL';
    reason: 'memory' | 'stall' | 'gpu';
    /** Hostile until printable(). */
    comm?: string;
    /** Percent of the machine's memory that was available. */
    available?: number;
    /** What the guard saw, in its words. */
    why: string;
  };
  /** For how long it stood still, in milliseconds. */
  frozenMs?: number;
  /** For how long its jobserver had less to give, and the least number of jobs at a time. */
  heldBackMs?: number;
  leastJobs?: number;
  /** MemoryHigh was lifted, since it stood still between that and MemoryMax. */
  raised?: true;
}
