/** How a run ended. */
export interface Outcome {
  unit: string;
  profile: string;
  command: string[];
  /** Exit status of the command; absent when a signal ended it. */
  status?: number;
  /** Name of the signal that ended the command: `SIGKILL`. */
  signal?: string;
  /** Wall-clock time of the command in milliseconds. */
  elapsedMs: number;
}
