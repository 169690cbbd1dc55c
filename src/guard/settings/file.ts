/** Reading the settings file. Loaded only where there is one: it brings a YAML parser and a schema. */
import type * as z from 'zod';
import { ProfileFileError, SettingsFileError } from '../../errors/index.js';
import { type Located, type Problem, readDocument } from '../../profiles/document.js';
import { readProfileText } from '../../profiles/file.js';
import { nearest, printable } from '../../text/index.js';
import { knownKeys, settingsSchema } from './schema.js';
import { DEFAULT_SETTINGS, type GuardSettings } from './settings.js';

/** A file, and what it makes of the settings: `settings`, or what is wrong with it. */
export interface SettingsCheck {
  file: string;
  settings?: GuardSettings;
  problems: Problem[];
}

/**
 * Reads a settings file and says all that is wrong with it.
 * @throws {SettingsFileError} for a file that cannot be read at all
 */
export function checkSettingsFile(file: string): SettingsCheck {
  const parsed = parseSettings(textOf(file));
  return 'problems' in parsed
    ? { file, problems: parsed.problems }
    : { file, settings: parsed, problems: [] };
}

/**
 * Reads a settings file.
 * @throws {SettingsFileError} for the first thing that is wrong in it
 */
export function readSettingsFile(file: string): GuardSettings {
  const { settings, problems } = checkSettingsFile(file);
  if (settings !== undefined) return settings;
  const [first] = problems;
  const error = new SettingsFileError(file, first?.message ?? 'cannot be read', first?.position);
  const more = problems.length - 1;
  if (more > 0) error.why = `${more} more ${more === 1 ? 'problem' : 'problems'} in the file.`;
  error.remedy = `rlimit guard check ${file}`;
  throw error;
}

/** The settings that a text means, or all that is wrong with it. An empty one means the defaults. */
export function parseSettings(text: string): GuardSettings | { problems: Problem[] } {
  const located = readDocument(text);
  if ('problems' in located) return located;
  const { data } = located;
  if (data === null || data === undefined || data === '') return DEFAULT_SETTINGS;
  const result = settingsSchema.safeParse(data);
  return result.success ? result.data : { problems: problemsOf(result.error, located) };
}

function textOf(file: string): string {
  try {
    return readProfileText(file);
  } catch (error) {
    if (!(error instanceof ProfileFileError)) throw error;
    throw new SettingsFileError(file, error.detail, error.position);
  }
}

function problemsOf(error: z.ZodError, located: Located): Problem[] {
  return error.issues
    .flatMap((issue) => {
      if (issue.code === 'unrecognized_keys') {
        return issue.keys.map((key) => unknownKey(issue.path, key, located));
      }
      const subject = issue.path.findLast((step) => typeof step === 'string');
      const says = printable(issue.message);
      const message = subject === undefined ? says : `${printable(String(subject))} ${says}`;
      return [problem(message, located.valueAt(issue.path))];
    })
    .sort((a, b) => (a.position?.line ?? 0) - (b.position?.line ?? 0));
}

function unknownKey(path: readonly PropertyKey[], key: string, located: Located): Problem {
  const known = knownKeys(path);
  const [hint] = nearest(key, known);
  const guess = hint === undefined ? `the keys are ${known.join(', ')}` : `did you mean ${hint}?`;
  const message = `there is no key ${JSON.stringify(printable(key))} here; ${guess}`;
  return problem(message, located.keyAt([...path, key]));
}

function problem(message: string, position: Problem['position']): Problem {
  return { message, ...(position === undefined ? {} : { position }) };
}
