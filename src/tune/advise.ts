import { UsageError } from '../errors/index.js';
import type { JobAdvice, JobModel, Limits, Machine, Profile } from '../model/index.js';
import { JOBS } from '../profiles/index.js';
import { formatPercent, GiB, ONE_CORE, parseCpuQuota, roughBytes } from '../quantity/index.js';
import { shellLine } from '../text/index.js';

/** The share of the cores that a build gets on a machine nobody else uses (coq-aggressive). */
const GENEROUS_PERMYRIAD = 8900;
const GENEROUS_IO_WEIGHT = 100;

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

/** Half of the way to the high end of the range, and then the end: 4 of 4 to 8 gives 6, 8. */
function stepsUp(pick: number, high: number): number[] {
  const middle = Math.ceil((pick + high) / 2);
  return [...new Set([middle, high])].filter((jobs) => jobs > pick);
}

/** Three quarters, and then half: 4 gives 3, 2. */
function stepsDown(pick: number): number[] {
  const steps = [Math.floor((pick * 3) / 4), Math.floor(pick / 2)];
  return [...new Set(steps)].filter((jobs) => jobs >= 1 && jobs < pick);
}

/** CPUQuota and IOWeight of a machine that nobody else uses, where they are higher than now. */
function generousOptions(limits: Limits, { cores }: Machine): string[] {
  const options: string[] = [];
  const quota = limitOf(limits, 'CPUQuota');
  const permyriad = Math.floor((cores * GENEROUS_PERMYRIAD) / 10_000) * 10_000;
  if (quota !== undefined && Number(parseCpuQuota(quota)) < permyriad * (ONE_CORE / 10_000)) {
    options.push(`CPUQuota=${formatPercent(permyriad)}`);
  }
  const weight = Number(limitOf(limits, 'IOWeight') ?? GENEROUS_IO_WEIGHT);
  if (weight < GENEROUS_IO_WEIGHT) options.push(`IOWeight=${GENEROUS_IO_WEIGHT}`);
  return options;
}

/** Whole cores that the CPUQuota allows; the machine's without one. */
function quotaCores(limits: Limits, { cores }: Machine): number {
  const quota = limitOf(limits, 'CPUQuota');
  if (quota === undefined) return cores;
  return Math.max(1, Math.floor(Number(parseCpuQuota(quota)) / ONE_CORE));
}

function limitOf(limits: Limits, name: string): string | undefined {
  return limits.properties.find(({ property }) => property === name)?.value;
}

function commandLine(
  { name, jobs: model }: Profile,
  { pick }: JobAdvice,
  jobs: number,
  options: readonly string[] = [],
): string {
  const command = model?.command ?? `make -j${JOBS}`;
  // Where the tool takes the number from its environment, `-j` of rlimit's own sets it there.
  const own = jobs === pick || command.includes(JOBS) ? [] : ['-j', String(jobs)];
  const properties = options.flatMap((option) => ['-p', option]);
  const words = command.replaceAll(JOBS, String(jobs));
  return `${shellLine(['rlimit', 'run', name, ...own, ...properties])} -- ${words}`;
}

/** `10 to 20 GB`, or with systemd's suffixes where those are no whole numbers. */
function span(low: number, high: number): string {
  if (low % GiB !== 0 || high % GiB !== 0) return `${roughBytes(low)} to ${roughBytes(high)}`;
  return `${low / GiB} to ${high / GiB} GB`;
}
