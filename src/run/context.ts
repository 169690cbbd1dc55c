import type { StartedWith } from './started-with.js';

/** Where a run was asked for. */
export interface RunContext {
  cwd: string;
  startedWith: StartedWith;
  /** The environment as the caller gave it. */
  env: NodeJS.ProcessEnv;
}
