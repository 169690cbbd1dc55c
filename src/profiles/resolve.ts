import { UsageError } from '../errors/index.js';
import type {
  JobAdvice,
  JobModel,
  LeftOut,
  Limit,
  Limits,
  Machine,
  Origin,
  Profile,
} from '../model/index.js';
import { checkName, PROPERTY_NAMES } from '../properties/index.js';
import { roughBytes } from '../quantity/index.js';
import { JOBS } from './body.js';
import { adviseJobs, type JobMemory } from './jobs.js';
import { amountOf, checkRules, LIVELOCK } from './rules.js';
import { concretize } from './wish.js';

export interface ResolveOptions {
  /** Properties of the command line; an empty value takes the profile's away. */
  overrides?: Readonly<Record<string, string>>;
  /** Lets pass what is refused only because it is hardly ever meant. */
  force?: boolean;
  /** A number of jobs that the user has chosen, in place of the recommended one. */
  jobs?: number;
}

/**
 * Resolves a profile on a machine: every share becomes a concrete value. No value is larger than
 * the machine, unless forced.
 * @throws {UnknownNameError} for an override of an unknown property
 * @throws {UsageError} for a value that is none, or that would harm, with the reason
 */
export function resolve(
  profile: Profile,
  machine: Machine,
  { overrides = {}, force = false, jobs }: ResolveOptions = {},
): Limits {
  const leftOut: LeftOut[] = [];
  const limits = concreteLimits(wishesOf(profile, overrides), machine, leftOut);
  const kept = withoutIdleHigh(limits, machine, leftOut);
  checkRules(kept, machine, { force });
  const advice = profile.jobs && jobAdvice(profile.jobs, kept, machine, jobs);
  return {
    profile: profile.name,
    properties: kept,
    leftOut,
    ...(advice ? { jobs: advice } : {}),
    environment: environmentOf(profile, jobs ?? advice?.pick),
  };
}

/**
 * The limits of a profile as it writes them, concrete: nothing is left out because this machine has
 * no swap, and nothing refused.
 * @throws {UsageError} for a value that is none
 */
export function writtenLimits(profile: Profile, machine: Machine): Limit[] {
  return concreteLimits(wishesOf(profile, {}), machine, []);
}

interface Wish {
  property: string;
  wish: string;
  origin: Origin;
}

/** The profile's wishes under those of the command line, in the order of the property table. */
function wishesOf(profile: Profile, overrides: Readonly<Record<string, string>>): Wish[] {
  const wishes = new Map<string, Wish>();
  for (const [property, wish] of Object.entries(profile.limits)) {
    const origin = profile.origins[`limits.${property}`] ?? {
      layer: profile.layer,
      profile: profile.name,
    };
    wishes.set(property, { property, wish, origin });
  }
  for (const [name, wish] of Object.entries(overrides)) {
    const property = checkName(name);
    const origin: Origin = { layer: 'command line', profile: profile.name };
    if (wish.trim() === '') wishes.delete(property);
    else wishes.set(property, { property, wish: wish.trim(), origin });
  }
  const order = PROPERTY_NAMES as readonly string[];
  return [...wishes.values()].sort((a, b) => order.indexOf(a.property) - order.indexOf(b.property));
}

function concreteLimits(wishes: readonly Wish[], machine: Machine, leftOut: LeftOut[]): Limit[] {
  const limits: Limit[] = [];
  for (const { property, wish, origin } of wishes) {
    const concrete = concretize(checkName(property), wish, machine);
    if ('leftOut' in concrete) {
      leftOut.push({ property, wish, why: concrete.leftOut });
    } else if (property === 'CPUQuota' && concrete.value === 'infinity') {
      // systemd has no such word here: no quota is what a unit has anyway.
    } else {
      const { value, rule } = concrete;
      limits.push({ property, value, wish, ...(rule === undefined ? {} : { rule }), origin });
    }
  }
  return limits;
}

/**
 * Leaves a profile's MemoryHigh out where it cannot do its work. One that the user asks for on the
 * command line stays, and `checkRules` has its say.
 */
function withoutIdleHigh(limits: readonly Limit[], machine: Machine, leftOut: LeftOut[]): Limit[] {
  const high = limits.find(({ property }) => property === 'MemoryHigh');
  const max = limits.find(({ property }) => property === 'MemoryMax');
  const why = high && idleReason(high, max, machine);
  if (!why) return [...limits];
  leftOut.push({ property: high.property, wish: high.wish, why });
  return limits.filter((limit) => limit !== high);
}

function idleReason(high: Limit, max: Limit | undefined, machine: Machine): string | undefined {
  if (high.value === 'infinity' || high.origin.layer === 'command line') return undefined;
  if (max?.origin.layer === 'command line' && amountOf(high) > amountOf(max)) {
    return `MemoryMax=${max.value} of the command line is lower`;
  }
  const below = max === undefined || amountOf(high) < amountOf(max);
  return machine.swap === 0 && below ? `this machine has no swap. ${LIVELOCK}` : undefined;
}

function jobAdvice(
  model: JobModel,
  limits: readonly Limit[],
  machine: Machine,
  chosen: number | undefined,
): JobAdvice {
  const advice = adviseJobs(model, machine, jobMemory(limits, machine));
  return chosen === undefined ? advice : { ...advice, pick: chosen };
}

/** What the jobs of a profile have together: its MemoryMax, or the machine. */
export function jobMemory(limits: readonly Limit[], machine: Machine): JobMemory {
  const max = limits.find(({ property }) => property === 'MemoryMax');
  const own = max ? amountOf(max) : Number.POSITIVE_INFINITY;
  return max && own <= machine.memory
    ? { bytes: own, name: `MemoryMax=${max.value}` }
    : { bytes: machine.memory, name: `the machine's ${roughBytes(machine.memory)}` };
}

/** `${jobs}` replaced; loading has made sure that a profile that uses it has a job model. */
function environmentOf({ name, environment }: Profile, jobs?: number): Record<string, string> {
  const replace = (value: string) => {
    if (!value.includes(JOBS)) return value;
    if (jobs === undefined) throw new UsageError(`profile ${name} uses \${jobs} but has no jobs`);
    return value.replaceAll(JOBS, String(jobs));
  };
  return Object.fromEntries(
    Object.entries(environment).map(([variable, value]) => [variable, replace(value)]),
  );
}
