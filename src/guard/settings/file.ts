/** Reading the settings file. Loaded only where there is one: it brings a YAML parser and a schema. */
import type * as z from 'zod';
import { type Located, type Problem, readDocument } from '../../profiles/document.js';
import { unknownKey } from '../../profiles/file.js';
import { readSettingsText, settingsError } from '../../profiles/settings-file.js';
import { printable } from '../../text/index.js';
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
  const parsed = parseSettings(readSettingsText(file));
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
  throw settingsError(file, problems, `rlimit guard check ${file}`);
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

function problemsOf(error: z.ZodError, located: Located): Problem[] {
  return error.issues
    .flatMap((issue) => {
      if (issue.code === 'unrecognized_keys') {
        return issue.keys.map((key) => unknownKey(issue.path, key, located, knownKeys(issue.path)));
      }
      const subject = issue.path.findLast((step) => typeof step === 'string');
      const says = printable(issue.message);
      const message = subject === undefined ? says : `${printable(String(subject))} ${says}`;
      const position = located.valueAt(issue.path);
      return [{ message, ...(position && { position }) }];
    })
    .sort((a, b) => (a.position?.line ?? 0) - (b.position?.line ?? 0));
}
