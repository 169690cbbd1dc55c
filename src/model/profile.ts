/** Where a profile, or one value of it, was written. Later layers win over earlier ones. */
export type Layer = 'built-in' | 'user' | 'project' | 'command line';

/** The place of one value: which layer, which profile of it, and the file where there is one. */
export interface Origin {
  /** `running unit`: nobody asks for it now; the unit that is to be changed has it already. */
  layer: Layer | 'running unit';
  /** Name of the profile that said it (an `extends` parent, for an inherited value). */
  profile: string;
  /** Absolute path; absent for built-in profiles and for the command line. */
  file?: string;
  /** 1-based line in `file`. */
  line?: number;
  /** 1-based column of the key in that line. */
  column?: number;
}

/**
 * Which number of the recommended range a profile picks:
 * the low end, half of the low end rounded up, the high end, or a fixed count.
 */
export type JobPick = 'low' | 'half of low' | 'high' | number;

/** How one job (one compiler process, one test worker) behaves. */
export interface JobModel {
  /** Bytes one job needs: the usual figure, and the one a heavy job reaches. */
  memory: { low: number; high: number };
  /** Cores one job keeps busy. */
  cores: number;
  pick: JobPick;
  /**
   * The range in hundredths of a percent of the cores, rounded down to whole jobs. Absent: 10 % to
   * 25 % of the cores, for jobs that have workers of their own.
   */
  range?: { low: number; high: number };
  /** A command line to show as an example; `${jobs}` stands for the recommended count. */
  command?: string;
  /** Exact process names of the jobs, as in /proc/PID/comm (`coqc`, `cc1plus`). */
  processes: string[];
  /** `freeze` where it is not said. */
  onDanger?: OnDanger;
}

/**
 * What the jobserver does with the youngest job just below the limit: stop it until there is memory
 * again, or, where that is not enough, kill it and leave it to the build tool to try again.
 */
export type OnDanger = 'freeze' | 'kill';

/**
 * How a stall between MemoryHigh and MemoryMax is broken: MemoryHigh is lifted, so that the unit may
 * go on up to MemoryMax, or the largest process is killed.
 */
export type OnStall = 'raise' | 'kill';

/**
 * A named, portable wish. Values stand as they were written (`60% of memory`, `2G`), so that
 * the same profile makes sense on any machine; `resolve` turns them into concrete limits.
 */
export interface Profile {
  name: string;
  layer: Layer;
  file?: string;
  /** One line for `profile list`. */
  summary: string;
  /** Why the values are what they are. */
  why?: string;
  /** Names of the profiles this one was built on, nearest first. */
  lineage: string[];
  /** systemd property name → value as written. */
  limits: Record<string, string>;
  jobs?: JobModel;
  /** `raise` where it is not said. */
  onStall?: OnStall;
  /** Profiles that run at the same time as this one: their caps are added up. */
  beside?: string[];
  /** Lints that are known and meant. */
  lintIgnore?: string[];
  /** Variables for the tools the profile starts; `${jobs}` stands for the recommended count. */
  environment: Record<string, string>;
  /**
   * `limits.MemoryMax`, `environment.NIX_CONFIG`, `jobs.pick`, `on-stall` … → where that value was
   * written. A value that a layer took away keeps the place where that was said.
   */
  origins: Record<string, Origin>;
}
