/** What `run` is going to do, worked out from plain data before anything is touched. */
import type { LeftOut, Limits, Machine, UnitRecord } from '../model/index.js';
import { compileProperties, type ScopeRequest } from '../systemd/compile.js';
import { DEFAULT_SLICE, describeUnit, sliceWithin, unitName } from '../systemd/names.js';
import type { JobserverPlan } from './jobserver/plan.js';
import type { RunOptions } from './options.js';

export interface Plan {
  profile: string;
  /** With a slice for this run alone, below `slice`. */
  request: ScopeRequest;
  /** The slice that runs share. */
  slice: string;
  /** Unit of the run that this one is inside of. */
  within?: string;
  /** Properties of the profile that are not passed on, and why. */
  leftOut: LeftOut[];
  jobs?: number;
  command: string[];
  /** What is to be said before the command starts, line by line. */
  remarks?: string[];
  /** With `--jobs auto`, where no other jobserver is there already. */
  jobserver?: JobserverPlan;
}

/**
 * @param limits the profile resolved on `machine`
 * @param id distinguishes this run from all others of the same profile
 * @param env the caller's environment: a variable set there wins over the profile's
 * @throws {UsageError} for a unit or slice name that systemd would not take
 */
export function planRun(
  options: RunOptions,
  {
    limits,
    machine,
    id,
    env,
    manager,
    outer,
  }: {
    limits: Limits;
    machine: Machine;
    id: string;
    env: NodeJS.ProcessEnv;
    /** The user's where it is not said. */
    manager?: 'system';
    /** The run in which rlimit itself was started. */
    outer?: Pick<UnitRecord, 'unit' | 'slice'>;
  },
): Plan {
  const { systemd } = machine;
  const { properties, leftOut } = compileProperties(limits, { systemd });
  const unit = unitName(options.unit ?? `rlimit-${limits.profile}-${id}`, '.scope');
  const jobs = options.jobs ?? limits.jobs?.pick;
  // A scope in a scope would be its sibling, and free of its limits; a slice in a slice is not.
  const slice = outer?.slice ?? unitName(options.slice ?? DEFAULT_SLICE, '.slice');
  return {
    profile: limits.profile,
    slice,
    ...(outer === undefined ? {} : { within: outer.unit }),
    request: {
      ...(manager === undefined ? {} : { manager }),
      unit,
      slice: sliceWithin(slice, id),
      description: options.description ?? describeUnit(limits.profile, options.command),
      properties,
      environment: {
        ...environmentFor(limits.environment, env),
        RLIMIT_PROFILE: limits.profile,
        RLIMIT_UNIT: unit,
        ...(jobs === undefined ? {} : { RLIMIT_JOBS: String(jobs) }),
      },
      ...(options.nice === undefined ? {} : { nice: options.nice }),
      ...(systemd === undefined ? {} : { systemd }),
    },
    leftOut,
    ...(jobs === undefined ? {} : { jobs }),
    command: options.command,
  };
}

/**
 * The profile's variables that the caller has not set. NIX_CONFIG holds many settings in one, so
 * there the caller's lines come after the profile's instead, and win one by one.
 */
export function environmentFor(
  wished: Record<string, string>,
  env: NodeJS.ProcessEnv,
): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(wished)) {
    const own = env[name];
    if (own === undefined) result[name] = value;
    else if (name === 'NIX_CONFIG') result[name] = `${value}\n${own}`;
  }
  return result;
}
