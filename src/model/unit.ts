import type { LauncherKind } from './outcome.js';

/** The unit types that carry limits. */
export type UnitKind = 'scope' | 'service' | 'slice';

/**
 * What was asked of a unit when `run` made it, kept under `$XDG_RUNTIME_DIR/rlimit/` while the
 * unit lives, so that `inspect` can compare and `kill` can tell our units from others.
 */
export interface UnitRecord {
  version: 1;
  unit: string;
  slice: string;
  /** The slice was made for this run alone, and goes with it. */
  ownSlice?: true;
  profile: string;
  /** systemd property name → value passed to systemd-run. */
  properties: Record<string, string>;
  jobs?: number;
  command: string[];
  cwd: string;
  /** PID of the command (the first process of the scope). */
  pid?: number;
  /** Milliseconds since the epoch at the start (a Date would load 1 MB of time zones in `run`). */
  started: number;
  /** `user` where it is not said. */
  launcher?: LauncherKind;
  /** Path of the cgroup that holds its limits, where rlimit made it itself (launcher `cgroup`). */
  cgroup?: string;
  /** The rlimit that waits for the run: its PID and start (/proc/PID/stat) name it for ever. */
  runner?: { pid: number; startTicks: number };
  /** Unit of the run that this one was started in: it lives inside that one's limits. */
  within?: string;
  /** What `rlimit kill` or a second Ctrl-C did to it, for the verdict. */
  killed?: { signal: string; by: string };
}

/** Bytes, tasks or µs per second; `infinity` is a value of its own. */
export type Amount = number | 'infinity';

/** What the kernel says of a cgroup's use. A file that is not there is an absent field. */
export interface Usage {
  /** memory.current, bytes */
  memoryCurrent?: number;
  /** memory.peak, bytes (Linux 5.19 and later) */
  memoryPeak?: number;
  /** `anon` of memory.stat, bytes */
  memoryAnon?: number;
  /** memory.swap.current, bytes */
  swapCurrent?: number;
  /** usage_usec of cpu.stat */
  cpuUsec?: number;
  /** throttled_usec of cpu.stat */
  throttledUsec?: number;
  /** pids.current */
  tasks?: number;
  /** oom_kill of memory.events */
  oomKills?: number;
}

/** What systemd and the kernel say of one unit at one moment. */
export interface Observation {
  unit: string;
  kind: UnitKind;
  /** Whose unit it is: that of the user's service manager, or of the system's; or rlimit's own. */
  manager: 'user' | 'system' | 'none';
  description?: string;
  loadState: string;
  activeState: string;
  /** `Result` of the unit: `success`, `oom-kill` … */
  result?: string;
  slice?: string;
  /** ISO 8601 time since which it is active. */
  since?: string;
  /** Path below the cgroup root, beginning with a slash; absent when the unit has no cgroup. */
  cgroup?: string;
  /** systemd property name as `systemctl show` spells it → text as it prints it. */
  systemd: Record<string, string>;
  /** cgroup file name → content without the last newline; a file not there is absent. */
  kernel: Record<string, string>;
  /** Files of the cgroup that are there and cannot be read, with the reason. */
  unreadable?: Record<string, string>;
  /** What could not be found out, as sentences; absent when all could. */
  partial?: string[];
  usage: Usage;
}
