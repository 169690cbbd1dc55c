/** Settings of systemd, from wherever they were written, as limits of a profile. Pure. */
import { RlimitError } from '../../errors/index.js';
import { PROJECT_VARIABLES } from '../../profiles/allowlist.js';
import { JOBS } from '../../profiles/body.js';
import { checkWish } from '../../profiles/wish.js';
import { isPropertyName, NOT_FOR_SCOPES, propertySpec } from '../../properties/index.js';
import type { Found, NotCarried } from './types.js';

/** One `Name=Value`. */
export interface Setting {
  name: string;
  value: string;
}

/** Settings that bear on limits, and what there is to say of them. */
const NEAR_LIMITS: readonly [names: RegExp, why: string][] = [
  [/^Startup/, 'it holds only while the machine starts'],
  [/^Default(Memory|Startup)/, 'it is for units below, and a profile is for one'],
  [/^(Delegate|DisableControllers|Slice)$/, 'a run has a place of its own'],
  [/^(IPAddress|IPAccounting|RestrictNetwork|SocketBind|NFTSet)/, 'profiles limit no networks'],
  [/Accounting$/, 'rlimit reads the kernel’s counts by itself'],
  [/^Limit[A-Z]/, 'it is a limit of each process (setrlimit), not of all together'],
  [/^Device/, 'profiles do not choose devices'],
  [/^(Nice|CPUScheduling|IOScheduling|OOMScoreAdjust|CPUAffinity|NUMA)/, 'it is of processes'],
  [
    /^(NoNewPrivileges|CapabilityBoundingSet|Ambient|Protect|Private|Restrict|SystemCall)/,
    'profiles take no privileges away (rlimit export --harden does)',
  ],
];

/** What is said of all the rest, which is what a unit is and no limit. */
const NO_LIMIT = 'it is no limit';

/**
 * Takes settings in their order: an empty value takes an earlier one away, a later one wins, and of
 * lists the values are added up, as systemd does.
 */
export function limitsOf(settings: readonly Setting[]): Pick<Found, 'limits' | 'notCarried'> {
  const limits: Record<string, string> = {};
  const notCarried: NotCarried[] = [];
  for (const { name, value } of settings) {
    const trouble = isPropertyName(name) ? take(limits, name, value) : whyNot(name);
    if (trouble === undefined) continue;
    const what = isPropertyName(name) ? `${name}=${value}` : name;
    if (!notCarried.some((each) => each.what === what)) notCarried.push({ what, why: trouble });
  }
  return { limits, notCarried };
}

/** Variables that a profile may hold: counts of jobs and threads, and Nix's settings. */
export function environmentOf(
  variables: readonly (readonly [name: string, value: string])[],
): Pick<Found, 'environment' | 'notCarried'> {
  const environment: Record<string, string> = {};
  const notCarried: NotCarried[] = [];
  for (const [name, value] of variables) {
    const why = variableTrouble(name, value);
    if (why === undefined) environment[name] = value;
    else notCarried.push({ what: `the variable ${name}`, why });
  }
  return { environment, notCarried };
}

/**
 * Makes sure that a value can stand in a profile.
 * @returns why it cannot
 */
export function valueTrouble(name: string, value: string): string | undefined {
  if (/[^\P{Cc}\t]/u.test(value)) return 'it has control characters';
  try {
    checkWish(name, value);
    return undefined;
  } catch (error) {
    if (error instanceof RlimitError) return error.message.replace(`${name}: `, '');
    throw error;
  }
}

function take(limits: Record<string, string>, name: string, text: string): string | undefined {
  const value = text.trim();
  if (value === '') {
    delete limits[name];
    return undefined;
  }
  const before = limits[name];
  const kind = isPropertyName(name) ? propertySpec(name).kind.toString() : '';
  const isList = kind === 'cpu-list' || kind === 'addresses';
  const whole = isList && before !== undefined ? `${before} ${value}` : value;
  const trouble = valueTrouble(name, whole);
  if (trouble !== undefined) return trouble;
  if (kind.startsWith('io-device') && before !== undefined && !isSameDevice(before, value)) {
    return `a profile holds one device for a property, and it holds ${before} already`;
  }
  limits[name] = whole;
  return undefined;
}

function isSameDevice(one: string, other: string): boolean {
  return one.split(/\s/)[0] === other.split(/\s/)[0];
}

function whyNot(name: string): string {
  if (Object.hasOwn(NOT_FOR_SCOPES, name)) {
    return `rlimit cannot set it; ${NOT_FOR_SCOPES[name]}`;
  }
  return NEAR_LIMITS.find(([names]) => names.test(name))?.[1] ?? NO_LIMIT;
}

function variableTrouble(name: string, value: string): string | undefined {
  if (name !== 'NIX_CONFIG' && !PROJECT_VARIABLES.includes(name)) {
    return 'it is no count of jobs or threads';
  }
  if (/[^\P{Cc}\t\n]/u.test(value)) return 'it has control characters';
  return value.replaceAll(JOBS, '').includes('${') ? 'profiles expand ${jobs} only' : undefined;
}
