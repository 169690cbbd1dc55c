/** The systemd-run line of make, just and the shells: a command in a scope of its own. */
import { isPropertyName, propertySpec } from '../../properties/index.js';
import type { Cannot, Subject, Target } from '../types.js';
import { propertiesOf } from './systemd.js';

export interface ScopeLine {
  /** Words before the option that only some versions have. */
  start: string[];
  /** Words behind it, up to the `--` before the command; variables as `--setenv=NAME=VALUE`. */
  options: string[];
  /** Sentences for the file. */
  notes: string[];
  cannot: Cannot[];
}

/**
 * Whether this systemd-run expands `$` in the command unless told otherwise can only be known where
 * the line runs: the option exists from systemd 254 on, and is an error before.
 */
export const ASK_EXPAND =
  'systemd-run --help 2>/dev/null | grep -q -e --expand-environment && echo --expand-environment=no';

export function scopeLine(subject: Subject, target: Target): ScopeLine {
  const { limits } = subject;
  const { properties, cannot } = propertiesOf(subject, target, 'scope');
  const delegated = Object.keys(properties).filter(needsDelegation);
  return {
    start: ['systemd-run', '--user', '--scope', '--quiet'],
    options: [
      ...Object.entries(properties).flatMap(([name, value]) => ['-p', `${name}=${value}`]),
      ...Object.entries(limits.environment).map(([name, value]) => `--setenv=${name}=${value}`),
      '--',
    ],
    notes: [
      'each use is a scope with these limits of its own: put it before the whole build, not before ' +
        'each of its jobs, where the build as a whole is to be limited',
      'nobody looks whether the limits hold: `rlimit run` does',
      ...(delegated.length === 0
        ? []
        : [
            `${delegated.join(', ')}: only where the user’s manager has the controller ` +
              '(rlimit doctor)',
          ]),
    ],
    cannot,
  };
}

/** Debian's user managers are given cpu, memory and pids, and not these. */
function needsDelegation(name: string): boolean {
  const controller = isPropertyName(name) ? propertySpec(name).controller : undefined;
  return controller === 'io' || controller === 'cpuset';
}
