import { UsageError } from '../errors/index.js';
import type { JobAdvice, JobModel, Limits, Machine, Profile } from '../model/index.js';
import { GiB, roughBytes } from '../quantity/index.js';
import { commandLine, generousOptions, quotaCores, stepsDown, stepsUp } from './steps.js';

/** A step to try: when, what, and the command line for it. */
export interface NextStep {
  /** What one sees that makes the step worth trying. */
  when: string;
  /** What to do, with the numbers. */
  action: string;
  /** Numbers of jobs to try, in this order; empty where the step is another one. */
  jobs: number[];
  commands: string[];
}

/** Everything `tune` says of a profile on a machine. */
export interface TuneReport {
  profile: string;
  machine: Pick<Machine, 'cores' | 'cpus' | 'memory'>;
  jobs: JobAdvice;
  /** Figures of one job, as the profile has them. */
  perJob: { memory: { low: number; high: number }; cores: number };
  /** Why the number is not the number of cores, as whole sentences. */
  whyNotCores: string[];
  next: NextStep[];
  /** A command line to start with. */
  command: string;
}

/**
 * Explains the recommended number of jobs and what to try after it.
 * @param limits the profile resolved on the machine
 * @throws {UsageError} for a profile that says nothing of jobs
 */
export function adviseTuning(profile: Profile, limits: Limits, machine: Machine): TuneReport {
  const { jobs: model } = profile;
  if (!model || !limits.jobs) {
    throw new UsageError(`profile ${profile.name} says nothing of jobs`, {
      why: 'There is nothing to recommend a number from: it has no jobs section.',
      remedy: `rlimit profile edit ${profile.name}`,
    });
  }
  const { cores, cpus, memory } = machine;
  return {
    profile: profile.name,
    machine: { cores, cpus, memory },
    jobs: limits.jobs,
    perJob: { memory: model.memory, cores: model.cores },
    whyNotCores: whyNotCores(model, limits, machine),
    next: nextSteps(profile, limits, limits.jobs, machine),
    command: commandLine(profile, limits.jobs, limits.jobs.pick),
  };
}

function whyNotCores(model: JobModel, limits: Limits, machine: Machine): string[] {
  const cores = quotaCores(limits, machine);
  const { low, high } = model.memory;
  const total = span(cores * low, cores * high);
  return [
    ...(cores > 1
      ? [
          `${cores} jobs, one for each core they may use, at ${span(low, high)} would want ${total} of memory.`,
        ]
      : []),
    ...(model.cores > 1
      ? [`Each job has workers of its own: one keeps about ${model.cores} cores busy.`]
      : []),
    'Dependencies leave jobs waiting anyway: more of them at a time do not end the build sooner.',
  ];
}

type Line = (jobs: number, options?: readonly string[]) => string;

function nextSteps(
  profile: Profile,
  limits: Limits,
  advice: JobAdvice,
  machine: Machine,
): NextStep[] {
  const line: Line = (jobs, options = []) => commandLine(profile, advice, jobs, options);
  const { pick, high } = advice;
  return [
    jobStep('CPU use stays under 50% and memory is fine', 'up', stepsUp(pick, high), line),
    jobStep('memory is under pressure or the desktop is sluggish', 'down', stepsDown(pick), line),
    generousStep(profile, generousOptions(limits, machine), high, line),
  ].filter((step) => step !== undefined);
}

function jobStep(
  when: string,
  direction: 'up' | 'down',
  jobs: number[],
  line: Line,
): NextStep | undefined {
  if (jobs.length === 0) return undefined;
  const numbers = jobs.map((count) => `-j${count}`).join(', then ');
  return {
    when,
    action: `go ${direction}: ${numbers}`,
    jobs,
    commands: jobs.map((count) => line(count)),
  };
}

function generousStep(
  { name }: Profile,
  options: string[],
  jobs: number,
  line: Line,
): NextStep | undefined {
  if (options.length === 0) return undefined;
  const names = options.map((option) => option.slice(0, option.indexOf('='))).join(' and ');
  const model = name.startsWith('coq-') ? ', as in coq-aggressive' : '';
  return {
    when: 'it is still too slow and memory is left',
    action: `try a higher ${names}${model}: ${options.join(', ')}`,
    jobs: [],
    commands: [line(jobs, options)],
  };
}

/** `10 to 20 GB`, or with systemd's suffixes where those are no whole numbers. */
function span(low: number, high: number): string {
  if (low % GiB !== 0 || high % GiB !== 0) return `${roughBytes(low)} to ${roughBytes(high)}`;
  return `${low / GiB} to ${high / GiB} GB`;
}
