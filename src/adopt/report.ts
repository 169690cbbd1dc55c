import type { Finding, LeftOut } from '../model/index.js';
import type { LeftOutside } from './family.js';

/** One process that was adopted, or would be. */
export interface AdoptedProcess {
  pid: number;
  /** Clock ticks from boot to its start: with the PID it names one process for ever. */
  startTicks: number;
  comm: string;
  /** Resident bytes, pages shared with others included. They stay charged to where it came from. */
  memory?: number;
  /** Path of the cgroup it came from. */
  from?: string;
  /** Whether it was named, and not found as a descendant. */
  named: boolean;
  /** Whether it was stopped before, and stays so. */
  stopped: boolean;
}

/** What `adopt` did; also what `--json` prints. */
export interface AdoptReport {
  dryRun: boolean;
  unit: string;
  slice: string;
  profile: string;
  /** systemd property name → value passed. */
  properties: Record<string, string>;
  leftOut: LeftOut[];
  /** Variables of the profile, which running processes cannot be given. */
  environment: string[];
  /** Path of the scope's cgroup; absent with a dry run. */
  cgroup?: string;
  processes: AdoptedProcess[];
  /** Bytes they hold already. These are not counted in the new scope. */
  memory: number;
  /** Descendants that stay outside, and why. */
  outside: LeftOutside[];
  /** How many were born during the move and were fetched after it. */
  swept: number;
  /** Descendants that could not be fetched. */
  escaped: { pid: number; comm: string }[];
  /** PIDs that belonged to other processes by the time they were moved. */
  strangers: number[];
  /** For how long processes stood still, in milliseconds. */
  heldMs: number;
  /** Limits that are not in force, read back from the kernel. */
  findings: Finding[];
  /** The call that makes the scope, as a command line. */
  argv: string[];
  /** What else is to be known, in whole sentences. */
  remarks: string[];
}
