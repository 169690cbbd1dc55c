/** A change as systemd is told of it, as the kernel is to show it, and as it is remembered. Pure. */
import { meaningOf } from '../inspect/meaning.js';
import type { UnitRecord } from '../model/index.js';
import type { LiveChange } from '../profiles/index.js';
import type { PropertyName } from '../properties/index.js';

/** What the kernel is to hold afterwards: a limit that is taken away is the value of no limit. */
export function wantedOf({ limits, reset }: LiveChange): Record<string, string> {
  const wanted: Record<string, string> = {};
  for (const { property, value } of limits) wanted[property] = value;
  for (const name of reset) {
    const none = noneOf(name);
    if (none !== undefined) wanted[name] = none;
  }
  return wanted;
}

/** Absent for lists, which are empty then: there is no text to compare with. */
function noneOf(name: PropertyName): string | undefined {
  const { unset, text } = meaningOf(name);
  if (name === 'CPUQuota') return '';
  // systemd's own period, which it writes where none is set.
  if (name === 'CPUQuotaPeriodSec') return '100ms';
  if (name === 'TasksMax') return 'infinity';
  return unset === undefined ? undefined : text(unset);
}

/** The assignments of a systemctl line: an empty value is systemd's own way to take a limit away. */
function assignments({ limits, reset }: LiveChange, only?: readonly string[]): string[] {
  const all = [
    ...limits.map(({ property, value }) => [property, value] as const),
    ...reset.map((name) => [name, ''] as const),
  ];
  return all
    .filter(([name]) => only === undefined || only.includes(name))
    .map(([name, value]) => `${name}=${value}`);
}

/**
 * Arguments of the systemctl calls. The slice comes first: a limit that is raised takes effect only
 * where the slice allows it.
 */
export function linesOf(
  unit: string,
  change: LiveChange,
  slice?: { slice: string; properties: readonly string[] },
): string[][] {
  const line = (name: string, only?: readonly string[]) => [
    ...['set-property', '--runtime', '--', name],
    ...assignments(change, only),
  ];
  return [
    ...(slice === undefined ? [] : [line(slice.slice, slice.properties)]),
    ...(change.limits.length + change.reset.length === 0 ? [] : [line(unit)]),
  ];
}

/** What is asked of the unit from now on, so that `inspect` compares with that. */
export function withChange(record: UnitRecord, { limits, reset }: LiveChange): UnitRecord {
  const properties = { ...record.properties };
  for (const { property, value } of limits) properties[property] = value;
  for (const property of reset) delete properties[property];
  return { ...record, properties };
}
