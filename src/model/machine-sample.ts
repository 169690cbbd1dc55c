import type { GuardSample } from './guard.js';
import type { Amount } from './unit.js';

/**
 * What was seen of the whole machine at one moment: the one source of what `monitor` shows and exports,
 * of its alerts, and of what `guard` decides. Plain data that can be written down and replayed: a figure
 * that is not to be had is absent, never zero. Rates are over the time since the sample before, and absent
 * in the first one.
 */
export interface MachineSample {
  /** Milliseconds on a clock that only goes forward (CLOCK_MONOTONIC). */
  atMs: number;
  /** Milliseconds since the epoch, by the wall clock: for people, never for differences. */
  time: number;
  memory: MachineMemory;
  cpu?: MachineCpu;
  disks: DiskSample[];
  pressure: MachinePressure;
  gpus: GpuSample[];
  /** Units with a limit, or that were asked for; by name. */
  units: UnitSample[];
  /** All processes that can be seen, or those that a use wants; in no order. */
  processes: ProcessSample[];
  /** `oom_kill` of /proc/vmstat: processes the kernel killed for memory since boot. */
  oomKills?: number;
  /** Guards of rlimit, where one was there since boot; only where it was asked for. */
  guards?: GuardSample[];
}

/** /proc/meminfo in bytes. */
export interface MachineMemory {
  total: number;
  available: number;
  free?: number;
  swapTotal: number;
  swapFree: number;
}

export interface MachineCpu {
  /** Logical CPUs that are online. */
  cpus: number;
  /** Part of their time that was not idle (nor waiting for a disk), 0 to 1. */
  busy?: number;
  /** Load average of one minute. */
  load?: number;
}

/** A file system on a disk, in bytes. */
export interface DiskSample {
  /** Where it is mounted. */
  mount: string;
  device: string;
  total: number;
  /** Free for users who are not root. */
  available: number;
}

/** Pressure stall information of the machine or of a cgroup, in percent of the time. */
export interface StallShare {
  /** `some avg10`: some task waited. */
  some: number;
  /** `full avg10`: all waited. */
  full?: number;
  /** `some avg60` and `full avg60`. */
  some60?: number;
  full60?: number;
}

export interface MachinePressure {
  memory?: StallShare;
  cpu?: StallShare;
  io?: StallShare;
}

/** One GPU as nvidia-smi tells, or one part of a GPU that is split by MIG. */
export interface GpuSample {
  /** Of the GPU, also for a part of it. */
  index: number;
  /** Of the GPU; a part has `UUID/MIG-gi3-ci0` with its instances. */
  uuid: string;
  name: string;
  driver?: string;
  /** Bytes; absent where the driver says [N/A] (memory shared with the CPU, MIG). */
  memoryTotal?: number;
  memoryUsed?: number;
  /** 0 to 1. */
  utilisation?: number;
  /** Degrees Celsius. */
  temperature?: number;
  processes: GpuProcess[];
}

export interface GpuProcess {
  pid: number;
  /** As nvidia-smi names it: a path, from another program; hostile until printable(). */
  name: string;
  /** C computes, G draws, M is of the Multi-Process Service; absent where it is not told. */
  type?: GpuProcessType;
  /** Bytes; absent where the driver does not tell. */
  memory?: number;
}

/** Type of a process as nvidia-smi(1) has it. */
export type GpuProcessType = 'C' | 'G' | 'C+G' | 'M' | 'M+C';

/** A cgroup of systemd with its use and its limits. */
export interface UnitSample {
  /** `rlimit-coq-standard-….scope`, `ollama.service`, `user-1000.slice`. */
  unit: string;
  /** Path below the cgroup root, beginning with a slash. */
  cgroup: string;
  /** rlimit made it. */
  ours: boolean;
  /** The profile of a run of ours. */
  profile?: string;
  /** Milliseconds since the epoch at its start, of a run of ours. */
  started?: number;
  use: {
    /** memory.current, anon of memory.stat, memory.swap.current, bytes. */
    memory?: number;
    anon?: number;
    swap?: number;
    /** What the kernel can take back: active_file and inactive_file of memory.stat, bytes. */
    pageCache?: number;
    /** CPU time so far, in microseconds (usage_usec of cpu.stat), and cores used lately. */
    cpuUsec?: number;
    cores?: number;
    tasks?: number;
  };
  /** As the kernel holds them: bytes, tasks, cores. */
  limits: {
    memoryMax?: Amount;
    memoryHigh?: Amount;
    swapMax?: Amount;
    tasksMax?: Amount;
    cores?: Amount;
  };
  pressure: MachinePressure;
  /** Counters of memory.events (hierarchical) and cpu.stat since the cgroup was made. */
  events: {
    high?: number;
    max?: number;
    oomKill?: number;
    /** nr_periods, nr_throttled. */
    periods?: number;
    throttled?: number;
    throttledUsec?: number;
  };
  /** cgroup.freeze is 1. */
  frozen?: boolean;
}

/** One process, by what /proc/PID says. */
export interface ProcessSample {
  pid: number;
  /** Start in clock ticks since boot (field 22 of /proc/PID/stat): with the PID it names it for ever. */
  startTicks: number;
  ppid: number;
  /** comm: at most 15 bytes, chosen by the process itself; hostile until printable(). */
  comm: string;
  /** Base name of argv[0], where it was read and is another. */
  argv0?: string;
  uid?: number;
  /** Path of its cgroup. */
  cgroup?: string;
  /** Bytes: resident, anonymous part of it, swapped out. */
  rss: number;
  anon?: number;
  swap?: number;
  /** Cores used since the sample before. */
  cores?: number;
  /** Growth of resident anonymous memory (or of rss) since the sample before, bytes a second. */
  growth?: number;
  oomScore?: number;
  oomScoreAdj?: number;
  /** A thread of the kernel. */
  kernel?: boolean;
}
