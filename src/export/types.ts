/** What an export is made of, and what comes out. */
import type { Limits, Machine, Profile } from '../model/index.js';

/** A profile with what it is on the machine that the file is for. */
export interface Subject {
  profile: Profile;
  limits: Limits;
}

/** What the user says besides the profiles. */
export interface Target {
  machine: Machine;
  /** Unit whose settings are written: `ollama.service`, `build.slice`. */
  unit?: string;
  /** Name of the container, Pod, job, function, recipe or variable, in place of the profile's. */
  name?: string;
  /** Image of the container. */
  image?: string;
  /** Shell command that tells whether a service is well. */
  health?: string;
  /** Whether privileges are taken away; where it is not said, containers yes and units no. */
  harden?: boolean;
  /** Whose syntax a function is written in. */
  shell: 'bash' | 'zsh' | 'fish';
}

/** Something of a profile that a format has no words for. */
export interface Cannot {
  profile: string;
  /** A property, or `environment`, `on-stall`. */
  what: string;
  value: string;
  why: string;
}

/** A file in a foreign format. */
export interface Exported {
  /** Ends with a line break. */
  text: string;
  /** The same things stand in the text as comments. */
  cannot: Cannot[];
}

/** One format: a pure writer, and what it is good for. */
export interface Format {
  /** For `--help` and the table of formats. */
  summary: string;
  /** Whether one file holds several profiles. */
  many: boolean;
  /** Options of `Target` that it uses. */
  uses: readonly ('unit' | 'name' | 'image' | 'health' | 'harden' | 'shell')[];
  /** @throws {UsageError} for what cannot be written in this format at all */
  write(subjects: readonly Subject[], target: Target): Exported;
}
