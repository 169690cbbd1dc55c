import type { Member } from '../cgroup/index.js';
import type { Amount, Finding, LauncherKind } from '../model/index.js';
import { plainBytes } from '../quantity/index.js';
import type { Measured } from '../verdict/index.js';

export type { Culprit, Measured } from '../verdict/index.js';

/**
 * A place to run a command in, and what holds it to its limits there. `run` takes a launcher through
 * one run: argvFor → (the command waits at the gate) → hold → believe → meter → (it runs) →
 * final → clear.
 */
export interface Launcher {
  readonly kind: LauncherKind;
  /** The cgroup with the limits, where rlimit itself makes it and systemd does not know it. */
  readonly cgroup?: string;
  /** The line to spawn, around the command as it waits at the gate. */
  argvFor(wrapped: readonly string[]): string[];
  /**
   * Puts the process at the gate under its limits, where the line has not done so already.
   * @throws {CannotRunError}
   */
  hold(pid: number): void;
  /** What is in force for the process at the gate; of our own, to rehearse. Believes the kernel only. */
  believe(pid: number | 'self'): Believed;
  /** Begins to measure, with the figures of now as the zero to count from. */
  meter(pid: number): Meter;
  /** Ends all processes of the run at once, as a second Ctrl-C asks for. */
  killAll(): void;
  /** Whether processes of the run are alive. */
  isPopulated(): boolean;
  /** What its manager says of the end (systemd's Result); asked only when nothing else explains it. */
  result?(): string | undefined;
  /** Tidies up once none is: what was made for this run goes. Does not wait for it. */
  clear(): void;
}

/** What was seen to be in force. */
export interface Believed {
  /** What is not in force as asked, with cause and remedy. */
  findings: Finding[];
  /** Properties that rlimit itself watches over, because no kernel file holds them here. */
  watched: string[];
}

/** Measures one run. */
export interface Meter {
  /** Looks at the run; cheap enough to be called several times a second. */
  sample(): void;
  /** Whether somebody may soon be killed: then it is worth looking more often. */
  readonly isTight: boolean;
  /** Where to look for who wants to know of each process. */
  readonly processes: RunProcesses;
  /** The last look, after the end of the command. What is gone by then is told from the samples. */
  final(): Measured;
}

/** The processes of a run: a cgroup, this one and all below it, or who knows them without one. */
export type RunProcesses = { cgroup: string } | { members(): readonly Member[] };

/** MemoryMax in bytes; what only systemd can tell (`60%`) is no figure here. */
export function memoryMaxOf(properties: Readonly<Record<string, string>>): Amount {
  return plainBytes(properties.MemoryMax ?? 'infinity') ?? 'infinity';
}
