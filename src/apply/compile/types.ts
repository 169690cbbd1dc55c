/** What a plan comes to on one machine: plain data. */
import type { Controller, UnitKind } from '../../model/index.js';
import type { ManagerKind } from '../../systemd/client.js';
import type { TimerName } from '../../timers/index.js';

/** A file, or a symbolic link, as it is to be. */
export interface PlannedFile {
  path: string;
  /** What is to stand there; for a link where it leads. */
  content: string;
  link?: true;
  /** In a few words: `limits of ollama.service`. */
  why: string;
  /** Whose it is: root's, or the caller's own. */
  manager: ManagerKind;
  /** Only until the next boot where it is written below /run. */
  runtime?: true;
}

/** What is done when the files are there, in order. */
export type Action =
  /** The manager reads its files again, and the kernel gets the limits of what runs. */
  | { do: 'reload'; manager: ManagerKind }
  /** A service is started anew, where it runs; others are left as they are. */
  | { do: 'restart'; unit: string; why: string }
  /** A unit is started that may not have run before. */
  | { do: 'start'; unit: string; why: string }
  | { do: 'sysctl'; name: string; value: string };

/** Limits that units are to have. */
export interface UnitWish {
  /** A name, or a pattern: `user-*.slice`. */
  units: string;
  kind: UnitKind;
  manager: ManagerKind;
  properties: Record<string, string>;
  /** Of users' own managers, which read files when they like. */
  ofOthers?: true;
  /** Further settings as `systemctl show` tells them: `NoNewPrivileges` → `yes`. */
  settings?: Record<string, string>;
}

/** What else is to be seen on the machine. */
export type MachineWish =
  | { what: 'swappiness'; value: number }
  | { what: 'swap'; path: string; priority: number; size: number }
  | { what: 'zram'; priority: number; size: number }
  | { what: 'earlyoom'; term: number; kill: number }
  | { what: 'delegation'; controllers: Controller[] }
  | { what: 'timer'; name: TimerName };

/** What is left to a person, since it ends sessions, needs a package, or needs root. */
export interface LeftOver {
  what: string;
  run?: string;
  /** What the command ends. */
  ends?: string;
}

/** One part of the sum of all caps. */
export interface SumTerm {
  what: string;
  /** Bytes, all of them together. */
  bytes: number;
}

/** The caps of a plan against the memory of the machine, in bytes. */
export interface Sums {
  terms: SumTerm[];
  caps: number;
  memory: number;
  /** Whether the caps alone are more than the machine has. */
  isOver: boolean;
  /** Whole sentences. */
  notes: string[];
}

export interface Compiled {
  plan: string;
  files: PlannedFile[];
  actions: Action[];
  units: UnitWish[];
  /** Units of every user's own manager: looked at, and never reloaded by root. */
  userUnits: UnitWish[];
  wishes: MachineWish[];
  left: LeftOver[];
  /** What is not written here, and why; whole sentences. */
  notes: string[];
  sums: Sums;
  /** Files that the plan makes besides, through units: the way back deletes them. */
  made: string[];
  /** Folders that have to be there besides those of the files. */
  folders: string[];
  /** Options that earlyoom is tried with before it gets them. */
  tryOut?: string[];
}
