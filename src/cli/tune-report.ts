/** What `tune` knows of a profile: the table, the history, and what there is to draw. */
import { statSync } from 'node:fs';
import { UnavailableError, UsageError } from '../errors/index.js';
import { findRun, nameRuns, type Run, selectRuns } from '../history/index.js';
import type { Limits } from '../model/index.js';
import { type LoadedProfile, loadProfile, processPlaces, resolve } from '../profiles/index.js';
import { withoutTuning } from '../profiles/untuned.js';
import { renderSkipped } from '../render/history.js';
import { readHistory } from '../state/index.js';
import {
  adviseTuning,
  type LearnedReport,
  learnFrom,
  type Picture,
  pictureOf,
  type TuneReport,
} from '../tune/index.js';
import { realDirectory } from './directory.js';
import { machineFor } from './flags.js';

export interface TuneOptions {
  /** `--machine`. */
  machine?: string | undefined;
  /** Only runs there and below count, and the project's file is looked for there. */
  project?: string | undefined;
  history: boolean;
  /** A run to draw. */
  run?: string | undefined;
}

/** The table's report with what the history adds: what `tune --json` prints. */
export interface FullReport extends TuneReport {
  /** The number that `--jobs-only` prints: the history's where there is one, else the table's. */
  recommended: number;
  /** Absent without a history. */
  learned?: LearnedReport;
  /** What pictures are made of; absent where no run has been seen closely. */
  picture?: Picture;
}

/** A report with what it was made from. */
export interface TuneFacts {
  report: FullReport;
  profile: LoadedProfile;
  limits: Limits;
  /** Sentences for stderr. */
  remarks: string[];
  warnings: string[];
}

/**
 * Puts together what there is to know.
 * @throws {UnknownNameError} for a profile or a run that does not exist
 * @throws {UsageError} for a profile that says nothing of jobs, and for a run of another profile
 */
export async function tuneFacts(name: string, options: TuneOptions): Promise<TuneFacts> {
  const machine = machineFor(options.machine);
  const directory = options.project === undefined ? undefined : requireDirectory(options.project);
  const places = { ...processPlaces(), ...(directory === undefined ? {} : { cwd: directory }) };
  const profile = await loadProfile(name, places);
  const limits = resolve(profile, machine);
  const table = adviseTuning(profile, limits, machine);
  const facts = { profile, limits, remarks: profile.remarks };
  if (!options.history) {
    return { ...facts, report: { ...table, recommended: table.jobs.pick }, warnings: [] };
  }
  const { all, warnings } = earlierRuns();
  const runs = selectRuns(all, {
    profile: name,
    ...(directory === undefined ? {} : { cwd: directory }),
  });
  const chosen = options.run === undefined ? undefined : chooseRun(all, options.run, name);
  const learned = learnFrom(profile, limits, machine, {
    runs,
    ...(directory === undefined ? {} : { directory }),
    untuned: await withoutTuning(profile),
  });
  const picture = pictureOf(name, runs, learned.evidence, chosen);
  const report = {
    ...table,
    recommended: learned.jobs.value,
    learned,
    ...(picture === undefined ? {} : { picture }),
  };
  return { ...facts, report, warnings };
}

/** A history that cannot be read is no reason to recommend nothing. */
function earlierRuns(): { all: Run[]; warnings: string[] } {
  try {
    const { outcomes, skipped } = readHistory();
    return { all: nameRuns(outcomes), warnings: renderSkipped(skipped) };
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    return { all: [], warnings: [[error.message, error.why].filter(Boolean).join('. ')] };
  }
}

function chooseRun(all: readonly Run[], name: string, profile: string): Run {
  const run = findRun(all, name);
  if (run.profile === profile) return run;
  throw new UsageError(`run ${run.shortId} was under the profile ${run.profile}`, {
    remedy: `rlimit tune ${run.profile} --run ${run.shortId}`,
  });
}

function requireDirectory(path: string): string {
  const directory = realDirectory(path);
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return directory;
  throw new UsageError(`--project ${JSON.stringify(path)} is no directory`);
}
