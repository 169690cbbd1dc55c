import type { LeftOut, Limit, Machine } from '../model/index.js';
import { checkName, type PropertyName } from '../properties/index.js';
import { checkRules } from './rules.js';
import { concretize } from './wish.js';

/** Values for a unit that runs. */
export interface LiveChange {
  /** What it is to have, concrete. */
  limits: Limit[];
  /** What it is to have no longer. */
  reset: PropertyName[];
  /** Values that mean nothing here, and why. */
  leftOut: LeftOut[];
}

/** Properties that harm in combination. */
const COMBINED: readonly PropertyName[] = ['MemoryMax', 'MemoryHigh', 'MemorySwapMax'];

/**
 * Makes values for a running unit concrete, as a profile's are: shares of the machine, and systemd's
 * own syntax. An empty value, or no quota at all, takes the limit away.
 * @param asked property → value as written
 * @param present limits that the unit has, in systemd's syntax: they count in combinations
 * @throws {UnknownNameError} for an unknown property
 * @throws {UsageError} for a value that is none, or that would harm, with the reason
 */
export function resolveChange(
  asked: Readonly<Record<string, string>>,
  present: Readonly<Record<string, string>>,
  machine: Machine,
  { unit, force = false }: { unit: string; force?: boolean },
): LiveChange {
  const change: LiveChange = { limits: [], reset: [], leftOut: [] };
  for (const [name, wish] of Object.entries(asked)) {
    add(change, checkName(name), wish.trim(), machine, unit);
  }
  const touched = new Set<string>([...change.reset, ...change.limits.map((one) => one.property)]);
  const others = COMBINED.some((name) => touched.has(name))
    ? COMBINED.filter((name) => !touched.has(name)).flatMap((name) =>
        heldLimit(name, present[name], unit),
      )
    : [];
  checkRules([...change.limits, ...others], machine, { force });
  return change;
}

function add(
  change: LiveChange,
  property: PropertyName,
  wish: string,
  machine: Machine,
  unit: string,
): void {
  if (wish === '') {
    change.reset.push(property);
    return;
  }
  const concrete = concretize(property, wish, machine);
  if ('leftOut' in concrete) {
    change.leftOut.push({ property, wish, why: concrete.leftOut });
  } else if (property === 'CPUQuota' && concrete.value === 'infinity') {
    change.reset.push(property);
  } else {
    const { value, rule } = concrete;
    change.limits.push({
      property,
      value,
      wish,
      ...(rule === undefined ? {} : { rule }),
      origin: { layer: 'command line', profile: unit },
    });
  }
}

function heldLimit(property: PropertyName, value: string | undefined, unit: string): Limit[] {
  if (value === undefined) return [];
  return [{ property, value, wish: value, origin: { layer: 'running unit', profile: unit } }];
}
