import { UnavailableError } from '../errors/index.js';
import { diagnoseUserManager, readUserManagerFacts } from './diagnose.js';

/** Which service manager: the caller's own, or the system's. */
export type ManagerKind = 'user' | 'system';

/**
 * Runs systemctl and gives its stdout. The only place that does.
 * @param utc whether times are to be printed so that they can be read again
 * @throws {UnavailableError} when there is no systemctl, or no manager to talk to, with the cause
 */
export async function systemctl(
  args: readonly string[],
  { manager = 'user', utc = false }: { manager?: ManagerKind; utc?: boolean } = {},
): Promise<string> {
  // Imported here, so that what only might ask systemd starts without it.
  const { execa } = await import('execa');
  const result = await execa('systemctl', [`--${manager}`, '--no-pager', ...args], {
    reject: false,
    // Messages are compared with below; figures are printed alike in all languages.
    env: {
      ...{ LC_ALL: 'C.UTF-8', SYSTEMD_COLORS: '0', SYSTEMD_URLIFY: '0' },
      ...(utc ? { TZ: 'UTC' } : {}),
    },
    maxBuffer: 256 * 1024 * 1024,
    timeout: 60_000,
  });
  if (!result.failed) return result.stdout;
  if (result.code === 'ENOENT') throw withoutSystemctl();
  throw systemctlFailure(args, result.stderr || (result.shortMessage ?? ''), manager);
}

/** What a failed call to systemctl means to the user. */
export function systemctlFailure(
  args: readonly string[],
  stderr: string,
  manager: ManagerKind = 'user',
): UnavailableError {
  const said = stderr.trim().split('\n')[0] ?? '';
  // 252: "Failed to connect to bus: No medium found"; 257 and later: "… to user scope bus via
  // local transport: …"; systemd-run: "Failed to create bus connection: …".
  if (!/^Failed to (connect to|create) .*bus/.test(said)) {
    return new UnavailableError(`systemctl ${args[0]} failed`, { why: said });
  }
  if (manager === 'system') {
    return new UnavailableError('there is no connection to the system’s manager', { why: said });
  }
  return userManagerFailure(said);
}

/** The failure to reach the user manager, with what is missing and how to mend it. */
export function userManagerFailure(said?: string): UnavailableError {
  const diagnosis = diagnoseUserManager(readUserManagerFacts());
  const quote = said === undefined ? '' : ` systemd said: ${said}`;
  if (!diagnosis) {
    return new UnavailableError('there is no connection to your systemd user manager', {
      why: `Its socket is there, but it does not answer.${quote}`,
      remedy: 'systemctl status user@$(id -u).service',
    });
  }
  const { message, why, remedy } = diagnosis;
  return new UnavailableError(message, {
    why: `${why}${quote}`,
    ...(remedy === undefined ? {} : { remedy }),
  });
}

function withoutSystemctl(): UnavailableError {
  return new UnavailableError('systemctl was not found', {
    why: 'Units are looked up with it; it comes with systemd.',
  });
}
