import { readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute } from 'node:path';
import { isProfileName } from './name.js';

/** Name of the file that a project keeps its profiles in. */
export const PROJECT_FILE = '.rlimit.yaml';

/** Where profiles are looked for. */
export interface Places {
  /** The project file is the nearest one from here upward. */
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  /** The user's home directory; $HOME, or what the system says, where it is not given. */
  home?: string;
}

/** The places of this process. */
export function processPlaces(): Places {
  return { cwd: process.cwd(), env: process.env };
}

/**
 * $XDG_CONFIG_HOME, which counts only when it is absolute (XDG Base Directory Specification), else
 * ~/.config.
 */
export function configHome({
  env,
  home = env.HOME || homedir(),
}: Pick<Places, 'env' | 'home'>): string {
  const config = env.XDG_CONFIG_HOME ?? '';
  return isAbsolute(config) ? config : `${home}/.config`;
}

/** Directory of the user's profiles. */
function userDirectory(places: Places): string {
  return `${configHome(places)}/rlimit/profiles`;
}

/** Path of a user's profile, whether or not it is there. The name must be a profile name. */
export function userFile(name: string, places: Places): string {
  return `${userDirectory(places)}/${name}.yaml`;
}

/** Names of the user's profiles, sorted; none when the directory is not there. */
export function userNames(places: Places): string[] {
  return entries(userDirectory(places))
    .filter((entry) => entry.endsWith('.yaml'))
    .map((entry) => entry.slice(0, -'.yaml'.length))
    .filter(isProfileName)
    .sort();
}

/** The nearest project file from a directory upward, or undefined. */
export function findProjectFile(cwd: string): string | undefined {
  for (let directory = cwd; ; directory = dirname(directory)) {
    const path = `${directory === '/' ? '' : directory}/${PROJECT_FILE}`;
    if (isThere(path)) return path;
    if (directory === dirname(directory)) return undefined;
  }
}

/** Tells whether a path leads to something; what cannot be looked at counts as not there. */
export function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
