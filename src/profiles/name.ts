import { UsageError } from '../errors/index.js';

/**
 * Profile names become file names and parts of unit names: lower case, digits and dashes, at most
 * 63 characters. Nothing in them can leave a directory.
 */
const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** The rule in words. */
export const NAME_RULE =
  'a profile name has lower-case letters, digits and dashes, begins with a letter or a digit, ' +
  'and has at most 63 characters';

/** Tells whether a text can be the name of a profile. */
export function isProfileName(text: string): boolean {
  return NAME.test(text);
}

/** @throws {UsageError} when a profile cannot have that name */
export function requireProfileName(text: string): string {
  if (isProfileName(text)) return text;
  throw new UsageError(`${JSON.stringify(text)} cannot be the name of a profile`, {
    why: `${NAME_RULE[0]?.toUpperCase()}${NAME_RULE.slice(1)}.`,
  });
}
