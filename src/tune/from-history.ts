/** The recommendation for one profile on one machine from the runs that it had. */
import type { Limits, Machine, Outcome, Profile } from '../model/index.js';
import { resolve } from '../profiles/index.js';
import { adviseJobs } from '../profiles/jobs.js';
import { jobMemory } from '../profiles/resolve.js';
import { parseCpuQuota, plainBytes } from '../quantity/index.js';
import type { NextStep } from './advise.js';
import { type Evidence, NEEDED, weigh } from './evidence.js';
import { nextExperiment } from './experiment.js';
import { type Ground, type Learned, learn } from './learn.js';
import { commandLine, generousQuota, limitOf } from './steps.js';

/** What the history says of a profile: the keys of `tune --json`. */
export interface LearnedReport extends Learned {
  evidence: Evidence;
  /** Runs and jobs that there must be before the history counts. */
  needed: { runs: number; jobs: number };
  /** Only runs there and below counted. */
  directory?: string;
  next?: NextStep;
  /** A command line with the recommended number. */
  command: string;
}

export interface LearnOptions {
  /** In the order in which they ended; all of this profile. */
  runs: readonly Outcome[];
  /** Where they were chosen by. */
  directory?: string;
  /**
   * The profile without what an earlier recommendation has written into it. Its limits bound the
   * next one: else a recommendation could only ever go down.
   */
  untuned?: Profile;
}

/**
 * Recommends from the history.
 * @param limits the profile resolved on the machine, with jobs
 * @throws {UsageError} for a profile that cannot be resolved
 */
export function learnFrom(
  profile: Profile,
  limits: Limits,
  machine: Machine,
  { runs, directory, untuned = profile }: LearnOptions,
): LearnedReport {
  const evidence = weigh(runs);
  const ground = groundOf(limits, machine, untuned);
  const learned = learn(evidence, ground);
  const next = nextExperiment(learned, evidence, { profile, limits, ground, machine });
  const pick = limits.jobs?.pick ?? learned.jobs.value;
  return {
    ...learned,
    evidence,
    needed: { ...NEEDED },
    ...(directory === undefined ? {} : { directory }),
    ...(next === undefined ? {} : { next }),
    command: commandLine(profile, { pick }, learned.jobs.value),
  };
}

function groundOf(limits: Limits, machine: Machine, untuned: Profile): Ground {
  const table = limits.jobs;
  if (table === undefined || untuned.jobs === undefined)
    throw new Error('a profile without jobs has nothing to learn');
  const before = resolve(untuned, machine, { force: true });
  const memoryMax = amount(limits, 'MemoryMax');
  const memoryHigh = amount(limits, 'MemoryHigh');
  const quota = parseCpuQuota(limitOf(limits, 'CPUQuota') ?? 'infinity');
  const pick = untuned.jobs?.pick;
  // What the cores ask for alone: memory is known from the runs now.
  const endless = { bytes: Number.POSITIVE_INFINITY, name: 'endless memory' };
  const byCores = adviseJobs(untuned.jobs, machine, endless);
  return {
    table,
    start: byCores.pick,
    high: byCores.high,
    share: jobMemory(before.properties, machine),
    ...(memoryMax === undefined ? {} : { memoryMax }),
    ...(memoryHigh === undefined ? {} : { memoryHigh }),
    ...(quota === 'infinity' ? {} : { cpuQuota: quota }),
    generousQuota: generousQuota(machine) * 100,
    cores: machine.cores,
    ...(typeof pick === 'number' ? { fixed: pick } : {}),
  };
}

function amount(limits: Limits, property: string): number | undefined {
  const value = plainBytes(limitOf(limits, property) ?? '');
  return value === 'infinity' ? undefined : value;
}
