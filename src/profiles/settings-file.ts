/** Files of settings in YAML, with the place of every mistake. */
import { statSync } from 'node:fs';
import type * as z from 'zod';
import { ProfileFileError, SettingsFileError } from '../errors/index.js';
import { counted } from '../text/index.js';
import { type Problem, readDocument } from './document.js';
import { problemsOf, readProfileText } from './file.js';

export interface SettingsOptions<T> {
  schema: z.ZodType<T>;
  /** Keys that may stand below a path, for guesses. */
  known: (path: readonly PropertyKey[]) => readonly string[];
  /** How the file is looked at again, for the remedy. */
  check?: string;
  /** Say no to a file that others can write: what is in it is done with our rights. */
  ownOnly?: boolean;
}

/**
 * Reads settings; an empty file says nothing. All scalars come to the schema as text (`readDocument`).
 * @throws {SettingsFileError} for the first thing that is wrong in it
 */
export function readSettingsFile<T>(path: string, options: SettingsOptions<T>): T {
  if (options.ownOnly) refuseForeign(path);
  const located = readDocument(readSettingsText(path));
  if ('problems' in located) throw settingsError(path, located.problems, options.check);
  const data = located.data === null || located.data === '' ? {} : located.data;
  const result = options.schema.safeParse(data ?? {});
  if (result.success) return result.data;
  throw settingsError(path, problemsOf(result.error, located, options.known), options.check);
}

/**
 * The text of a file of settings.
 * @throws {SettingsFileError} for a file that cannot be read at all
 */
export function readSettingsText(path: string): string {
  try {
    return readProfileText(path);
  } catch (error) {
    if (!(error instanceof ProfileFileError)) throw error;
    throw new SettingsFileError(path, error.detail, error.position);
  }
}

/**
 * The first problem of a file as an error, which counts the others.
 * @param check how the file is looked at again, for the remedy
 */
export function settingsError(
  path: string,
  problems: readonly Problem[],
  check?: string,
): SettingsFileError {
  const [first] = problems;
  const error = new SettingsFileError(path, first?.message ?? 'cannot be read', first?.position);
  const more = problems.length - 1;
  if (more > 0) error.why = `${counted(more, 'more problem')} in the file.`;
  if (check !== undefined) error.remedy = check;
  return error;
}

function refuseForeign(path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  const isOurs = stats.uid === 0 || stats.uid === process.geteuid?.();
  if (isOurs && (stats.mode & 0o022) === 0) return;
  const error = new SettingsFileError(path, 'others can write it, and it may name commands to run');
  error.remedy = `chmod go-w ${path}${isOurs ? '' : ` && sudo chown "$USER" ${path}`}`;
  throw error;
}
