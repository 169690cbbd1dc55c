/**
 * Limits as systemd-run takes them: which properties a given systemd version and unit type has,
 * and the argument list. Pure; the same lines are pasted by a person (`--dry-run`) and run by us.
 */
import type { LeftOut, Limits, UnitKind } from '../model/index.js';
import { isPropertyName, propertySpec } from '../properties/index.js';

/** First systemd-run with --expand-environment= (NEWS of 254). Before it nothing was expanded. */
export const EXPAND_ENVIRONMENT_SINCE = 254;

/** What is passed to systemd, in order, and what this systemd cannot take. */
export interface Compiled {
  properties: Record<string, string>;
  leftOut: LeftOut[];
}

/**
 * Picks the properties that a systemd version takes for a unit type. Passing one that it does not
 * know would break the start of the unit, so such a one is left out, and said.
 * @param systemd major version; without it everything is passed
 */
export function compileProperties(
  limits: Limits,
  { systemd, kind = 'scope' }: { systemd?: number | undefined; kind?: UnitKind } = {},
): Compiled {
  const compiled: Compiled = { properties: {}, leftOut: [...limits.leftOut] };
  for (const { property, value, wish } of limits.properties) {
    const why = isPropertyName(property) ? whyNot(property, kind, systemd) : undefined;
    if (why === undefined) compiled.properties[property] = settingText(property, value);
    else compiled.leftOut.push({ property, wish, why });
  }
  return compiled;
}

/** What a scope is started with. */
export interface ScopeRequest {
  /** Whose manager; the user's where it is not said. */
  manager?: 'user' | 'system';
  unit: string;
  /** The slice of this run alone: it keeps the kernel's counts when the scope has gone. */
  slice: string;
  description: string;
  properties: Record<string, string>;
  /** Variables set for the command besides its inherited environment. */
  environment: Record<string, string>;
  nice?: number;
  systemd?: number;
  /**
   * Whether a scope that ended badly goes by itself. Without it, it stays until it is reset, and can
   * be asked for the reason (Result).
   */
  collect?: boolean;
}

/**
 * The systemd-run line that starts a command in a scope.
 * `--quiet` keeps systemd-run from writing "Running scope as unit" to the command's stderr.
 */
export function scopeArgv(request: ScopeRequest, command: readonly string[]): string[] {
  const { systemd = EXPAND_ENVIRONMENT_SINCE } = request;
  return [
    'systemd-run',
    `--${request.manager ?? 'user'}`,
    '--scope',
    '--quiet',
    ...(request.collect === true ? ['--collect'] : []),
    `--unit=${request.unit}`,
    `--slice=${request.slice}`,
    `--description=${request.description}`,
    // Seen on 262: `$$` in an argument becomes `$` unless this is said.
    ...(systemd >= EXPAND_ENVIRONMENT_SINCE ? ['--expand-environment=no'] : []),
    ...(request.nice === undefined ? [] : [`--nice=${request.nice}`]),
    ...Object.entries(request.properties).flatMap(([name, value]) => ['-p', `${name}=${value}`]),
    ...Object.entries(request.environment).map(([name, value]) => `--setenv=${name}=${value}`),
    '--',
    ...command,
  ];
}

/** Why a property cannot be passed, or undefined when it can. */
function whyNot(
  property: Parameters<typeof propertySpec>[0],
  kind: UnitKind,
  systemd: number | undefined,
): string | undefined {
  const since = propertySpec(property).since[kind];
  if (since === undefined) return `a ${kind} has no such property`;
  if (systemd === undefined || systemd >= since) return undefined;
  return `needs systemd ${since} for a ${kind}, and this is ${systemd}`;
}

/** systemd has no `CPUQuota=infinity`: an empty value is how a quota is said to be none. */
function settingText(property: string, value: string): string {
  return property === 'CPUQuota' && value === 'infinity' ? '' : value;
}
