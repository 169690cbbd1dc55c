/** What the rules look at, and what they find. */
import type { Limit, Machine, Profile, Severity, TroubleId } from '../model/index.js';

/** One rule broken by one profile. */
export interface Lint {
  id: TroubleId;
  severity: Severity;
  /** The part of the profile it is about, as in `Profile.origins`: `limits.MemoryHigh`. */
  key: string;
  /** What is wrong, with the figures. */
  message: string;
  why: string;
  /** The edit or command that mends it. */
  remedy?: string;
  /** `run` would not start with it. */
  refused?: true;
}

/** What a rule looks at. */
export interface Subject {
  profile: Profile;
  /** Concrete, as the profile writes them. */
  limits: readonly Limit[];
  /** Facts that are absent make no finding. */
  machine: Machine;
  /** Whose user manager it is about; for remedies. */
  uid?: number;
}
