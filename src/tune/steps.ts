/** Single steps from one number of jobs to another, and the command lines for them. */
import type { JobAdvice, Limits, Machine, Profile } from '../model/index.js';
import { JOBS } from '../profiles/index.js';
import { formatPercent, ONE_CORE, parseCpuQuota } from '../quantity/index.js';
import { shellLine } from '../text/index.js';

/** The share of the cores that a build gets on a machine nobody else uses (coq-aggressive). */
const GENEROUS_PERMYRIAD = 8900;
const GENEROUS_IO_WEIGHT = 100;

/** CPUQuota of a machine that nobody else uses, in hundredths of a percent of one core. */
export function generousQuota({ cores }: Pick<Machine, 'cores'>): number {
  return Math.floor((cores * GENEROUS_PERMYRIAD) / 10_000) * 10_000;
}

/** Half of the way to the high end of the range, and then the end: 4 of 4 to 8 gives 6, 8. */
export function stepsUp(pick: number, high: number): number[] {
  const middle = Math.ceil((pick + high) / 2);
  return [...new Set([middle, high])].filter((jobs) => jobs > pick);
}

/** Three quarters, and then half: 4 gives 3, 2. */
export function stepsDown(pick: number): number[] {
  const steps = [Math.floor((pick * 3) / 4), Math.floor(pick / 2)];
  return [...new Set(steps)].filter((jobs) => jobs >= 1 && jobs < pick);
}

/** CPUQuota and IOWeight of a machine that nobody else uses, where they are higher than now. */
export function generousOptions(limits: Limits, machine: Machine): string[] {
  const options: string[] = [];
  const quota = limitOf(limits, 'CPUQuota');
  const permyriad = generousQuota(machine);
  if (quota !== undefined && Number(parseCpuQuota(quota)) < permyriad * (ONE_CORE / 10_000)) {
    options.push(`CPUQuota=${formatPercent(permyriad)}`);
  }
  const weight = Number(limitOf(limits, 'IOWeight') ?? GENEROUS_IO_WEIGHT);
  if (weight < GENEROUS_IO_WEIGHT) options.push(`IOWeight=${GENEROUS_IO_WEIGHT}`);
  return options;
}

/** Whole cores that the CPUQuota allows; the machine's without one. */
export function quotaCores(limits: Limits, { cores }: Machine): number {
  const quota = limitOf(limits, 'CPUQuota');
  if (quota === undefined) return cores;
  return Math.max(1, Math.floor(Number(parseCpuQuota(quota)) / ONE_CORE));
}

/** The value of a property, where it is limited. */
export function limitOf(limits: Limits, name: string): string | undefined {
  return limits.properties.find(({ property }) => property === name)?.value;
}

/** The example of the profile with a number of jobs, under `rlimit run`. */
export function commandLine(
  { name, jobs: model }: Profile,
  { pick }: Pick<JobAdvice, 'pick'>,
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
