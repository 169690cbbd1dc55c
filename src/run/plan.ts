/** What `run` is going to do, worked out from plain data before anything is touched. */
import { UsageError } from '../errors/index.js';
import type { LeftOut, Limits, Machine } from '../model/index.js';
import { compileProperties, type ScopeRequest } from '../systemd/compile.js';
import { printable } from '../text/safe.js';
import type { RunOptions } from './options.js';

/** Where the scopes of all runs live: `inspect` and budgets find them there. */
export const DEFAULT_SLICE = 'app-rlimit.slice';

export interface Plan {
  profile: string;
  request: ScopeRequest;
  /** Properties of the profile that are not passed on, and why. */
  leftOut: LeftOut[];
  jobs?: number;
  command: string[];
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
  }: {
    limits: Limits;
    machine: Machine;
    id: string;
    env: NodeJS.ProcessEnv;
  },
): Plan {
  const { systemd } = machine;
  const { properties, leftOut } = compileProperties(limits, { systemd });
  const unit = unitName(options.unit ?? `rlimit-${limits.profile}-${id}`, '.scope');
  const jobs = options.jobs ?? limits.jobs?.pick;
  return {
    profile: limits.profile,
    request: {
      unit,
      slice: unitName(options.slice ?? DEFAULT_SLICE, '.slice'),
      description: options.description ?? describe(limits.profile, options.command),
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

/** A name no other run of this user has: start time and PID, short enough to type. */
export function newRunId(now = Date.now(), pid = process.pid): string {
  return `${now.toString(36)}${pid.toString(36)}`;
}

/**
 * Adds the suffix where it is missing.
 * @throws {UsageError} for characters outside systemd's set (systemd.unit(5))
 */
function unitName(name: string, suffix: '.scope' | '.slice'): string {
  const full = name.endsWith(suffix) ? name : `${name}${suffix}`;
  if (!/^[\w:.\\-]+$/.test(full) || full.length > 255 || full.startsWith('.')) {
    throw new UsageError(`${JSON.stringify(name)} cannot be the name of a ${suffix.slice(1)}`, {
      why: 'Names of units consist of ASCII letters, digits and : - _ . \\ and have at most 255 characters.',
    });
  }
  return full;
}

/** Long command lines are cut: the description is one line of `systemctl status`. */
function describe(profile: string, command: readonly string[]): string {
  const line = printable(command.join(' '));
  return `rlimit ${profile}: ${line.length > 120 ? `${line.slice(0, 119)}…` : line}`;
}

/**
 * The profile's variables that the caller has not set. NIX_CONFIG holds many settings in one, so
 * there the caller's lines come after the profile's instead, and win one by one.
 */
function environmentFor(
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
