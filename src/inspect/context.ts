import type { KernelFiles } from '../cgroup/index.js';
import type { Controller, UnitKind } from '../model/index.js';
import type { PropertyName } from '../properties/index.js';
import type { Settings } from '../systemd/settings.js';
import type { Lost } from './levels.js';
import type { Devices, Value } from './meaning.js';

/** One property with the text that was asked for. */
export interface Asked {
  name: PropertyName;
  text: string;
  /** What the text means; absent where only systemd can tell (`MemoryMax=60%`). */
  value?: Value;
}

/** What besides the unit decides whether a property can be in force. Unknown facts are absent. */
export interface KernelContext {
  /** Controllers that units of the user's manager can have. */
  controllers?: readonly Controller[];
  /** Major version of systemd. */
  systemd?: number;
  /** SwapTotal in bytes; 0 means that there is no swap. */
  swap?: number;
  unit?: string;
  /** `scope` where it is not said. */
  kind?: UnitKind;
  /** Whose manager it is; for the remedy. */
  uid?: number;
  /** Whether the manager is the system's and not the user's; for the remedy. */
  system?: boolean;
  /** Where rlimit made the cgroup by itself: its path. Remedies then go by its files. */
  ownCgroup?: string;
  devices?: Devices;
  /** Whether any block device's scheduler honours io.weight (io.cost or BFQ). */
  ioWeights?: boolean;
  /** The cgroups above the unit's, nearest first, with their files of ANCESTOR_FILES. */
  ancestors?: readonly AncestorFiles[];
  /** MemTotal in bytes: what a percentage is of. */
  memory?: number;
  /** Where in the tree the controllers end that the unit's cgroup has not. */
  lost?: Lost;
  /** Files of the cgroup that are there and cannot be read, with the reason. */
  unreadable?: Readonly<Record<string, string>>;
  /** What the unit's files say, as systemd has loaded them. */
  settings?: Settings;
  /** Those of its files that cannot be read, with the reason: who set what may stand there. */
  unreadSettings?: Readonly<Record<string, string>>;
  /** What they say now; only where systemd says that it has not loaded them all. */
  onDisk?: Settings;
  /** The profile that what is asked comes from; otherwise it comes from the record of a run. */
  profile?: string;
  /** How values that are shares came about. */
  rules?: Readonly<Record<string, string>>;
}

/** The files of a cgroup above the unit's. */
export interface AncestorFiles {
  /** Path below the cgroup root. */
  cgroup: string;
  files: KernelFiles;
}
