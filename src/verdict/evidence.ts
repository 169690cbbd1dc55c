import type { Amount, Figures, GuardTouch, LauncherKind } from '../model/index.js';

/** A process that matters to a verdict. */
export interface Culprit {
  comm: string;
  pid?: number;
  /** Its memory in bytes. */
  memory?: number;
  /** Whether the memory is the kernel's own figure at the kill, and not the last one seen. */
  exact?: boolean;
}

/** What was measured of a run, whoever did it. */
export interface Measured {
  figures: Figures;
  /** Counts of memory.events of the run since its start. */
  events: Partial<Record<'high' | 'max' | 'oom' | 'oom_kill', number>>;
  /** Cgroups above in which memory.events.local counted `oom` meanwhile, with their memory.max. */
  ancestors: { cgroup: string; memoryMax: Amount }[];
  /** The process that was killed for lack of memory, where it could be told. */
  victim?: Culprit;
  /** The largest process at the last look. */
  largest?: Culprit;
  /** Least MemAvailable and SwapFree seen, MemTotal and SwapTotal, in bytes. */
  machine: { available?: number; total?: number; swapFree?: number; swapTotal?: number };
  /** Percent of the last ten seconds for which all tasks of the run waited for memory, near its end. */
  pressurePercent?: number;
  /** What a launcher that watches ended, and for which property. */
  enforced?: { property: string; limit: number; seen: number; culprit: Culprit };
}

/** A signal that came to rlimit while the command ran. */
export interface Received {
  signal: string;
  /** Whether a terminal sent it to the whole process group (Ctrl-C). */
  fromTerminal: boolean;
}

/** All that a verdict rests on. */
export interface Evidence {
  command: readonly string[];
  launcher: LauncherKind;
  /** How the command ended; one of the two is absent. */
  ending: { status?: number; signal?: string };
  elapsedMs: number;
  /** systemd property name → value that was asked for. */
  limits: Readonly<Record<string, string>>;
  jobs?: number;
  /** Logical CPUs of the machine. */
  cpus?: number;
  measured: Measured;
  /** In the order they came. */
  received: readonly Received[];
  /** Who ended the unit by means of rlimit: `rlimit kill`, a second Ctrl-C. */
  killed?: { signal: string; by: string };
  /** systemd's Result of the unit, asked for when nothing else explains the end. */
  unitResult?: string;
  /** systemd-oomd where it runs, with what systemd said of it and the unit. */
  oomd?: { says?: string };
  /** What Slurm says of the end, where it was asked, and whose user we are. */
  slurm?: { state?: string; says: readonly string[]; cancelledBy?: number };
  /** earlyoom where it runs, with what it said of a process of the run. */
  earlyoom?: { says?: string; termPercent: number };
  /** What rlimit's guards did to it. */
  guard?: GuardTouch;
}
