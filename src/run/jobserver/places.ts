import type { Launcher } from '../launcher.js';
import type { Plan } from '../plan.js';
import type { JobserverPlan } from './plan.js';

/** The run that a jobserver is for. */
export interface JobserverPlaces {
  plan: JobserverPlan;
  request: Plan['request'];
  launcher: Launcher;
  /** Names of processes that the profile calls jobs. */
  names: readonly string[];
  quiet: boolean;
  /** CPUs of the machine: what all runs together have. */
  cpus: number;
  env: NodeJS.ProcessEnv;
}
