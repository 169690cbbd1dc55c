import type { Process } from '../cgroup/index.js';
import type { Finding, LeftOut } from '../model/index.js';
import type { ManagerKind } from '../systemd/client.js';
import type { Hazard } from './hazards.js';

/** One property that was changed, in systemd's syntax. */
export interface ChangeRow {
  property: string;
  /** As it was written: `60% of memory`; empty for no limit any more. */
  wish: string;
  /** What is passed to systemd; empty for no limit any more. */
  value: string;
  /** How the wish became the value, where it did. */
  rule?: string;
  /** What the kernel held before and holds now; absent where it has no such file. */
  before?: string;
  after?: string;
  inForce: boolean;
}

/** What a live change did; also what `--json` prints. */
export interface ChangeReport {
  dryRun: boolean;
  unit: string;
  manager: ManagerKind;
  /** The slice of the run, where it carries the limits as well and was changed with the unit. */
  slice?: string;
  rows: ChangeRow[];
  leftOut: LeftOut[];
  /** Where use was above a new limit. */
  hazards: Hazard[];
  /** What is not in force, and which cgroups above are tighter. */
  findings: Finding[];
  /** Processes killed by the kernel for lack of memory, counted since the unit was made. */
  oomKills?: { before: number; after: number };
  /** Processes that ended while a MemoryMax below use was set. */
  ended: Process[];
  /** Whether the unit itself is gone since. */
  gone: boolean;
  /** Whether `inspect` compares with the new values from now on. */
  recorded: boolean;
  /** The systemctl lines, in their order. */
  argv: string[][];
}
