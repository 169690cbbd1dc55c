/** What was found, as the text of a profile file. Pure. */
import { isProfileName } from '../../profiles/name.js';
import { scalar } from '../../profiles/template.js';
import { printable } from '../../text/index.js';
import { comment } from '../comment.js';
import type { Found } from './types.js';

/** A profile's name made of a unit's, a service's or a program's. */
export function profileName(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63);
  return isProfileName(name) ? name : 'imported';
}

/**
 * The file of a profile with the limits that were found, and no others.
 * @param below limits of the built-in profile of that name, which the file would be laid over
 */
export function profileText(
  name: string,
  found: Found,
  below: Readonly<Record<string, string>>,
): string {
  const { source, limits, environment, notes } = found;
  const inherited = Object.keys(below).filter((property) => !Object.hasOwn(limits, property));
  const entries = Object.entries(limits).map(([key, value]) => `  ${key}: ${scalar(value)}`);
  const variables = Object.entries(environment);
  const lines = [
    ...comment([
      `Profile ${name} of rlimit, imported from ${source}.`,
      ...notes,
      ...reasons(found).map((each) => `not carried: ${each}`),
    ]),
    '',
    `summary: ${scalar(printable(`Imported from ${source}`))}`,
    ...(entries.length + inherited.length === 0 ? ['limits: {}'] : ['limits:', ...entries]),
    ...(inherited.length === 0
      ? []
      : [
          `  # The built-in profile ${name} has these, and what was imported has not.`,
          ...inherited.map((property) => `  ${property}: ""`),
        ]),
    ...(variables.length === 0
      ? []
      : ['environment:', ...variables.map(([key, value]) => `  ${key}: ${scalar(value)}`)]),
  ];
  return `${lines.join('\n')}\n`;
}

/** What has one reason in one sentence: `ExecStart, Restart: it is no limit`. */
export function reasons({ notCarried }: Pick<Found, 'notCarried'>): string[] {
  const byReason = new Map<string, string[]>();
  for (const { what, why } of notCarried) byReason.set(why, [...(byReason.get(why) ?? []), what]);
  return [...byReason].map(([why, what]) => `${what.join(', ')}: ${why}`);
}
