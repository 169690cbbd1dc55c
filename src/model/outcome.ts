import type { GuardTouch } from './guard.js';
import type { JobFigures, JobserverFigures, RunSeries } from './jobs.js';

/** Through what a run was started, and who holds it to its limits. */
export type LauncherKind =
  /** The user's service manager: a scope of `systemd-run --user`. */
  | 'user'
  /** The system's service manager: a scope of `systemd-run --system`. */
  | 'system'
  /** A cgroup made directly in the cgroup v2 tree, without systemd. */
  | 'cgroup'
  /** No cgroup: rlimit itself samples the processes and acts. */
  | 'watched'
  /** Another machine: a step of Slurm, through srun. */
  | 'slurm';

/** Where a run under Slurm was. */
export interface SlurmPlace {
  /** Job and step: `123.0`. */
  step: string;
  node?: string;
  /** What Slurm says of its end, where it was asked: `OUT_OF_MEMORY`, `TIMEOUT`. */
  state?: string;
}

/** What a run used, up to its end. A figure that could not be had is absent, never zero. */
export interface Figures {
  /**
   * Most memory at one time in bytes, page cache included: memory.peak. It stops at the limit. Of a step of
   * Slurm that could not tell any more it is MaxRSS of the accounting, which is sampled.
   */
  memoryPeak?: number;
  /**
   * Most anonymous memory seen at one time in bytes. Sampled (the kernel keeps no such peak), so a
   * short spike can be missed.
   */
  anonPeak?: number;
  /** Most swap at one time in bytes. */
  swapPeak?: number;
  /** CPU time in µs. */
  cpuUsec?: number;
  /** Time for which the CPU quota held it back, in µs, summed over CPUs. */
  throttledUsec?: number;
  /** Part of the quota's periods that ran into the quota, 0 to 1. */
  throttledPart?: number;
  /** Most tasks at one time. */
  tasksPeak?: number;
  /** Processes that the kernel killed for lack of memory. */
  oomKills?: number;
  /** fork() refused at TasksMax, as often as it was seen. */
  forksRefused?: number;
  /** Time in µs for which all its tasks at once waited for memory, and likewise for CPU and disk. */
  memoryStallUsec?: number;
  cpuStallUsec?: number;
  ioStallUsec?: number;
}

/** How a run ended, in one word. */
export type VerdictId =
  | 'finished'
  /** It ended with a status of its own other than 0, or by a signal it sent itself. */
  | 'failed'
  /** Killed at its own MemoryMax. */
  | 'memory-max'
  /** Killed at the MemoryMax of a cgroup above. */
  | 'ancestor-memory-max'
  /** Killed by the kernel, because the whole machine was out of memory. */
  | 'machine-oom'
  | 'systemd-oomd'
  | 'earlyoom'
  /** Ended by rlimit's guard, or one of its processes was. */
  | 'guard'
  /** fork() failed at TasksMax. */
  | 'tasks-max'
  /** Ended by the user: Ctrl-C, a signal through rlimit, `rlimit kill`. */
  | 'user-signal'
  /** Ended by a signal of somebody else. */
  | 'foreign-signal'
  /** The CPU quota held it back for most of its time. */
  | 'throttled'
  /** Stalled between MemoryHigh and MemoryMax. */
  | 'stalled'
  /** Ended at its time limit, by Slurm. */
  | 'time-limit'
  /** Cancelled by somebody else through Slurm: an operator, preemption, `scancel`. */
  | 'cancelled'
  /** Its node failed. */
  | 'node-failed';

/** How a run ended and why. */
export interface Verdict {
  id: VerdictId;
  /** One sentence without the name of the program: `killed at its own MemoryMax=1G: cc1plus, 812M`. */
  says: string;
  /** What it rests on: files of the kernel with their figures, words of systemd. */
  evidence: string[];
  /** The one change to make next. */
  advice?: string;
}

/** How a run ended: what `run --json` and `--report` give, and what the history keeps. */
export interface Outcome {
  version: 1;
  unit: string;
  profile: string;
  command: string[];
  cwd: string;
  launcher: LauncherKind;
  /** Milliseconds since the epoch at the start. */
  started: number;
  /** Time from the start of the command to its end in milliseconds, whatever the clock did. */
  elapsedMs: number;
  /** Exit status of the command; absent when a signal ended it. */
  status?: number;
  /** Name of the signal that ended the command: `SIGKILL`. */
  signal?: string;
  /** systemd property name → value that was asked for. */
  limits: Record<string, string>;
  jobs?: number;
  figures: Figures;
  /** What was seen of single jobs, where there were any. */
  jobFigures?: JobFigures;
  series?: RunSeries;
  jobserver?: JobserverFigures;
  /** Where it was, with the launcher `slurm`. */
  slurm?: SlurmPlace;
  /** What rlimit's guards did to it; absent where that is nothing. */
  guard?: GuardTouch;
  verdict: Verdict;
}
