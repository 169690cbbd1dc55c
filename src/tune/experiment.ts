/** What the history says to try next. */
import type { Limits, Machine, Profile } from '../model/index.js';
import { ONE_CORE } from '../quantity/index.js';
import type { NextStep } from './advise.js';
import type { Evidence } from './evidence.js';
import {
  cpuSentence,
  type Ground,
  jobsFilling,
  jobsWithin,
  type Learned,
  THROTTLED,
} from './learn.js';
import { commandLine, generousOptions, stepsDown, stepsUp } from './steps.js';

/** Part of the time that all tasks waited for memory, from which on there are too many of them. */
const STALLED = 0.1;

/** Less CPU use than this leaves room for more jobs. */
const HALF = 0.5;

/**
 * The next experiment: fewer jobs where memory was short, more CPUQuota where it holds the build
 * back, more jobs where both are left. Nothing where too little was seen, or nothing is left to try.
 */
export function nextExperiment(
  learned: Learned,
  evidence: Evidence,
  {
    profile,
    limits,
    ground,
    machine,
  }: {
    profile: Profile;
    limits: Limits;
    ground: Ground;
    machine: Machine;
  },
): NextStep | undefined {
  const line = (jobs: number, options: readonly string[] = []) =>
    commandLine(profile, { pick: limits.jobs?.pick ?? 0 }, jobs, options);
  const { value } = learned.jobs;
  const short = shortage(evidence);
  if (short !== undefined) {
    const jobs = [
      ...(value < Math.max(evidence.tried, evidence.killedWith) ? [value] : []),
      ...stepsDown(value),
    ].slice(0, 2);
    return jobs.length === 0 ? undefined : step(short, 'down', jobs, line);
  }
  if (!evidence.isEnough) return undefined;
  if (value > evidence.tried) {
    const when = `No run has had more than ${evidence.tried} at a time.`;
    return { when, action: `try -j${value}`, jobs: [value], commands: [line(value)] };
  }
  const { cpu } = evidence;
  const quota = ground.cpuQuota ?? ground.cores * ONE_CORE;
  if (cpu?.throttled !== undefined && cpu.throttled >= THROTTLED) {
    const options = generousOptions(limits, machine);
    if (options.length === 0) return undefined;
    return {
      when: `${cpuSentence(cpu, quota)} More of it would make the build faster.`,
      action: `give it more: ${options.join(', ')}`,
      jobs: [],
      commands: [line(value, options)],
    };
  }
  if (cpu === undefined || cpu.cores / (quota / ONE_CORE) >= HALF || ground.fixed !== undefined) {
    return undefined;
  }
  const jobs = roomAbove(value, evidence, ground, quota);
  if (jobs.length === 0) return undefined;
  return step(`${cpuSentence(cpu, quota)} Memory has room.`, 'up', jobs, line);
}

/** What was short of memory, as a sentence. */
function shortage({ killed, memoryStall, freezes }: Evidence): string | undefined {
  if (killed > 0) {
    return killed === 1
      ? 'A run was killed for lack of memory.'
      : `${killed} runs were killed for lack of memory.`;
  }
  if (freezes > 0) return 'Jobs had to be frozen, since memory was short.';
  if (memoryStall < STALLED) return undefined;
  return `Runs wait for memory in ${Math.round(memoryStall * 100)}% of their time.`;
}

/** The steps up to the end of the range, or half as many again beyond it, that memory and CPU hold. */
function roomAbove(
  jobs: number,
  { perJob, cpu }: Evidence,
  { high, share }: Ground,
  quota: number,
): number[] {
  const usual = stepsUp(jobs, high);
  const steps = usual.length > 0 ? usual : [Math.ceil(jobs * 1.5)];
  const fit = perJob === undefined ? 0 : jobsWithin(share.bytes, perJob);
  const filling = cpu?.perJob ? jobsFilling(quota, cpu.perJob) : Number.POSITIVE_INFINITY;
  return steps.filter((count) => count <= Math.min(fit, filling));
}

function step(
  when: string,
  direction: 'up' | 'down',
  jobs: number[],
  line: (jobs: number) => string,
): NextStep {
  const numbers = jobs.map((count) => `-j${count}`).join(', then ');
  return {
    when,
    action: `go ${direction}: ${numbers}`,
    jobs,
    commands: jobs.map((count) => line(count)),
  };
}
