import { existsSync } from 'node:fs';
import { homedir } from 'node:os';

/** Where root's settings are. */
export const SYSTEM_SETTINGS = '/etc/rlimit/guard.yaml';

/**
 * The settings file that counts where none is named: root's, or one's own below $XDG_CONFIG_HOME, which
 * counts only when it is absolute (XDG Base Directory Specification), else below ~/.config.
 */
export function settingsPlace(
  env: NodeJS.ProcessEnv = process.env,
  uid = process.getuid?.() ?? 0,
): string {
  if (uid === 0) return SYSTEM_SETTINGS;
  const config = env.XDG_CONFIG_HOME ?? '';
  return `${config.startsWith('/') ? config : `${env.HOME || homedir()}/.config`}/rlimit/guard.yaml`;
}

/** The file to read: the one that was named, or the usual one where it is there. */
export function settingsFile(
  named: string | undefined,
  place = settingsPlace(),
): string | undefined {
  return named ?? (existsSync(place) ? place : undefined);
}
