/** How units of rlimit are named. Light: it is on the way of `run`. */
import { CannotRunError, UsageError } from '../errors/index.js';
import { printable } from '../text/safe.js';

/** Where the scopes of all runs live: `inspect` and budgets find them there. */
export const DEFAULT_SLICE = 'app-rlimit.slice';

/** A name no other run of this user has: start time and PID, short enough to type. */
export function newRunId(now = Date.now(), pid = process.pid): string {
  return `${now.toString(36)}${pid.toString(36)}`;
}

/** The name of a slice below another one: systemd nests them by their dashes (systemd.slice(5)). */
export function sliceWithin(slice: string, id: string): string {
  return slice === '-.slice' ? `${id}.slice` : `${slice.slice(0, -'.slice'.length)}-${id}.slice`;
}

/**
 * Adds the suffix where it is missing.
 * @throws {UsageError} for characters outside systemd's set (systemd.unit(5))
 */
export function unitName(name: string, suffix: '.scope' | '.slice'): string {
  const full = name.endsWith(suffix) ? name : `${name}${suffix}`;
  if (!/^[\w:.\\-]+$/.test(full) || full.length > 255 || full.startsWith('.')) {
    throw new UsageError(`${JSON.stringify(name)} cannot be the name of a ${suffix.slice(1)}`, {
      why: 'Names of units consist of ASCII letters, digits and : - _ . \\ and have at most 255 characters.',
    });
  }
  return full;
}

/**
 * That a name is somebody's already. Only `--unit` can ask for such a one: our own are never given
 * twice. systemd would refuse it as well, but only after our record had replaced the other's.
 */
export function nameTaken(unit: string, pid: number | undefined): CannotRunError {
  return new CannotRunError(`there is a run called ${unit} already`, {
    ...(pid === undefined ? {} : { why: `Process ${pid} waits for it.` }),
    remedy: `another name (--unit NAME); rlimit inspect ${unit} shows that one`,
  });
}

/** Long command lines are cut: the description is one line of `systemctl status`. */
export function describeUnit(profile: string, command: readonly string[]): string {
  const line = printable(command.join(' '));
  return `rlimit ${profile}: ${line.length > 120 ? `${line.slice(0, 119)}…` : line}`;
}
