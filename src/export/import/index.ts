/** Limits that stand elsewhere, as a profile. */
import { existsSync } from 'node:fs';
import { builtIn } from '../../profiles/catalog.js';
import { readProfileText } from '../../profiles/file.js';
import { openLibrary } from '../../profiles/library.js';
import { loadFrom } from '../../profiles/load.js';
import { requireProfileName } from '../../profiles/name.js';
import { type Places, userFile } from '../../profiles/places.js';
import { replaceFile, type Written } from '../../profiles/replace-file.js';
import { fromCommandLine, isCommandLine } from './command-line.js';
import { fromCompose } from './compose.js';
import { profileName, profileText } from './draft.js';
import { fromRunningUnit } from './running.js';
import type { Found } from './types.js';
import { fromUnitFile } from './unit-file.js';
import { shellWords } from './words.js';

export { reasons } from './draft.js';
export type { NotCarried } from './types.js';

export interface ImportOptions {
  /** Name of the profile; made of that of the source where it is not given. */
  name?: string;
  /** Service of a Compose file. */
  service?: string;
}

/** A profile that was imported, before it is written. */
export interface Imported extends Found {
  /** The text of its file. */
  text: string;
}

/**
 * Reads a source: words of a systemd-run line, a Compose file (`.yml`, `.yaml`), a unit file, or a unit
 * that is loaded.
 * @throws {UsageError} for a source that is none of these
 */
export async function importProfile(
  source: readonly string[],
  places: Places,
  { name: wanted, service }: ImportOptions = {},
): Promise<Imported> {
  if (wanted !== undefined) requireProfileName(wanted);
  const found = await read(source, service);
  const name = wanted ?? profileName(found.name);
  return { ...found, name, text: profileText(name, found, await limitsBelow(name, places)) };
}

/** Limits of the built-in profile that a file of the user's would be laid over. */
async function limitsBelow(name: string, places: Places): Promise<Record<string, string>> {
  if (builtIn(name) === undefined) return {};
  const blank = { path: userFile(name, places), text: 'limits: {}', project: false };
  const library = await openLibrary(places, { replace: blank, project: false });
  return (await loadFrom(library, name)).limits;
}

async function read(source: readonly string[], service: string | undefined): Promise<Found> {
  const [only = ''] = source;
  if (source.length > 1) return fromCommandLine(source);
  if (/\bsystemd-run\s/.test(only) && !existsSync(only)) {
    const words = shellWords(only);
    if (isCommandLine(words)) return fromCommandLine(words);
  }
  if (/\.ya?ml$/.test(only)) return fromCompose(readProfileText(only), only, service);
  if (only.includes('/') || existsSync(only)) return fromUnitFile(only);
  return fromRunningUnit(only);
}

/**
 * Puts an imported profile among the user's.
 * @throws {UsageError} where there is one of that name already, unless forced
 * @throws {UnavailableError} when the file system refuses
 */
export function saveImported(
  { name, text }: Imported,
  places: Places,
  { force }: { force: boolean },
): Written {
  return replaceFile(userFile(name, places), text, { overwrite: force });
}
