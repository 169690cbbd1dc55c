import type { Outcome, UnitRecord } from '../model/index.js';
import { renderHistoryLoss } from '../render/run.js';
import { renderOutcome } from '../render/verdict.js';
import { appendOutcome } from '../state/history.js';
import type { JobsSeen } from './jobs.js';
import type { Ending } from './launch.js';
import type { Launcher } from './launcher.js';
import type { RunOptions } from './options.js';
import { say } from './output.js';
import { writeReport } from './report.js';

/** How a run ended, as the reports and the history have it. */
export function outcomeOf(
  record: Pick<UnitRecord, 'unit' | 'profile' | 'command' | 'cwd' | 'started' | 'jobs'>,
  launcher: Pick<Launcher, 'kind'>,
  ending: Ending,
  found: Pick<Outcome, 'elapsedMs' | 'limits' | 'figures' | 'slurm' | 'guard' | 'verdict'> &
    JobsSeen,
): Outcome {
  const { unit, profile, command, cwd, started, jobs } = record;
  const { elapsedMs, limits, ...rest } = found;
  return {
    version: 1,
    unit,
    profile,
    command,
    cwd,
    launcher: launcher.kind,
    started,
    elapsedMs,
    ...ending,
    limits,
    ...(jobs === undefined ? {} : { jobs }),
    ...rest,
  };
}

/**
 * Tells how it ended: to the person, to the program that reads JSON, and to the report.
 * @param more a further line for the person
 */
export function tell(outcome: Outcome, options: RunOptions, more: string | undefined): void {
  if (options.json) say(JSON.stringify(outcome));
  else if (!options.quiet) say([renderOutcome(outcome), more].filter(Boolean).join('\n'));
  if (options.report !== undefined) writeReport(options.report, outcome);
}

/** Keeps it in the history; what goes wrong there is said, and changes nothing about the run. */
export function keep(outcome: Outcome, env: NodeJS.ProcessEnv): void {
  try {
    appendOutcome(outcome, env);
  } catch (error) {
    say(renderHistoryLoss(error as Error));
  }
}
