/** What the guard knows from one sample to the next, and what it wants done. */
import type { GuardSettings } from '../settings/settings.js';

export type { GuardSettings };

/** A process that is known for ever. */
export interface Named {
  pid: number;
  startTicks: number;
  /** Chosen by the process: hostile until printable(). */
  comm: string;
}

/** Who guards, and whose processes are an administrator's. Known before the first sample. */
export interface Scene {
  /** PID of the guard. */
  self: number;
  /** Its user: 0 guards the machine, another one what that user owns. */
  uid: number;
  /** User IDs of root and of those who may become root (members of sudo, wheel, admin). */
  admins: readonly number[];
}

/** One step to take. Each says why, with figures. */
export type Action =
  | ({ do: 'protect'; from: string } & OnProcess)
  | ({ do: 'unprotect'; to: string } & OnProcess)
  | ({ do: 'adjust' | 'restore'; from: number; to: number } & OnProcess)
  | { do: 'warn'; why: string }
  /** The most tokens any run may have out; absent: as each likes. */
  | { do: 'tokens'; most?: number; why: string }
  /** For how many seconds at most. */
  | { do: 'freeze'; unit: string; cgroup: string; seconds: number; why: string }
  | { do: 'thaw'; unit: string; cgroup: string; why: string }
  | ({ do: 'end'; signal: EndSignal; memory: number } & OnProcess)
  | {
      do: 'endUnit';
      unit: string;
      cgroup: string;
      signal: EndSignal;
      memory: number;
      why: string;
    }
  | {
      do: 'breakLivelock';
      unit: string;
      cgroup: string;
      how: 'raise' | 'kill';
      /** PIDs that are never ended. */
      spare: number[];
      why: string;
    };

interface OnProcess {
  process: Named;
  why: string;
}

export type EndSignal = 'SIGTERM' | 'SIGKILL';

/** How far the ladder has been climbed: 0 nothing, 1 warned, 2 tokens taken, 3 freezing. */
export type Rung = 0 | 1 | 2 | 3;

/** What was sent to whom, until it is gone. */
export interface Ending {
  /** Key of the process, or name of the unit. */
  key: string;
  signal: EndSignal;
  atMs: number;
}

/** Everything that is remembered; it holds only what still lives. */
export interface GuardState {
  scene: Scene;
  rung: Rung;
  /** Since when available memory has been enough for a lower rung. */
  calmSinceMs?: number;
  tokens?: number;
  frozen: { unit: string; cgroup: string; sinceMs: number }[];
  /** When a run was last frozen or thawed. */
  frostMs?: number;
  /** Until when a thawed run is not frozen again, by unit. */
  spared: Record<string, number>;
  ending?: Ending;
  /**
   * oom_score_adj that was changed: by key. What was started later than `sinceTicks` by such a process was
   * born with its score.
   */
  adjusted: Record<string, Adjusted>;
  /** Those that have the score from a process that was marked, by key. */
  inherited: Record<string, Inherited>;
  /** Moved into the protected slice: by key, with the cgroup each came from. */
  protected: Record<string, Named & { from: string }>;
  /** Steps that failed, `protect 12:345`, and are not tried again. */
  refused: string[];
  stalls: Record<string, StallTrack>;
  /** What has been said in this episode. */
  told: string[];
}

/** A score that was changed; absent `sinceTicks` is from a guard that did not know of heirs. */
export type Adjusted = Named & { from: number; to: number; sinceTicks?: number };

/** `heirOf` is the key of the marked process. */
export type Inherited = Named & { from: number; to: number; heirOf: string };

/** A unit that seems to stand still: counters of memory.events at the first sample that showed it. */
export interface StallTrack {
  sinceMs: number;
  high: number;
  max: number;
  oomKill: number;
  /** It was dealt with. */
  done?: true;
}

/** What one sample leads to. */
export interface Decision {
  state: GuardState;
  actions: Action[];
  /** What was considered and not done, and why: each once in an episode. */
  why: string[];
}

/** The state before the first sample. */
export function initialState(scene: Scene): GuardState {
  return {
    scene,
    rung: 0,
    frozen: [],
    spared: {},
    adjusted: {},
    inherited: {},
    protected: {},
    refused: [],
    stalls: {},
    told: [],
  };
}
