/** Everything about this machine that decides whether limits hold, looked at by one command. */
import { UnknownNameError } from '../errors/index.js';
import type { Check, CheckStatus } from '../model/index.js';
import { CHECKS } from './checks/index.js';
import { notificationTest } from './checks/notifications.js';
import type { Fix } from './fix.js';
import type { FixReport } from './mend.js';
import { type Place, placeHere } from './place.js';
import { type CheckSpec, make } from './spec.js';

export * from './fix.js';
export * from './mend.js';
export { type Place, placeHere } from './place.js';

/** What was looked at, and what `--fix` did about it. */
export interface DoctorReport {
  checks: Check[];
  /** How many checks came to what. */
  summary: Record<CheckStatus, number>;
  fix?: FixReport;
}

/** The names by which single checks are asked for, with what each is about. */
export const CHECK_TITLES: ReadonlyMap<string, string> = new Map(
  CHECKS.map(({ name, title }) => [name, title]),
);

/**
 * Makes all checks, or those named, at the same time.
 * @param notifyTest whether a notification is sent
 * @throws {UnknownNameError} for a name that no check has
 */
export async function examine({
  names = [],
  notifyTest = false,
  place = placeHere(),
}: {
  names?: readonly string[];
  notifyTest?: boolean;
  place?: Place;
} = {}): Promise<{ report: DoctorReport; fixes: Fix[] }> {
  const specs = chosen(names).map((spec) =>
    notifyTest && spec.name === notificationTest.name ? notificationTest : spec,
  );
  const checked = await Promise.all(specs.map((spec) => make(spec, place)));
  const checks = checked.map(({ check }) => check);
  const summary = { ok: 0, warning: 0, problem: 0, unknown: 0 };
  for (const { status } of checks) summary[status] += 1;
  return { report: { checks, summary }, fixes: checked.flatMap(({ fixes }) => fixes) };
}

function chosen(names: readonly string[]): readonly CheckSpec[] {
  const wrong = names.find((name) => !CHECK_TITLES.has(name));
  if (wrong !== undefined) {
    throw new UnknownNameError('check', wrong, [...CHECK_TITLES.keys()], {
      remedy: 'rlimit doctor --list',
    });
  }
  return names.length === 0 ? CHECKS : CHECKS.filter(({ name }) => names.includes(name));
}
