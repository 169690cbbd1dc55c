/** What `adopt` is going to do, worked out from plain data before anything is touched. */
import type { LeftOut, Limits, Machine } from '../model/index.js';
import type { TransientScope } from '../systemd/bus.js';
import { compileProperties } from '../systemd/compile.js';
import { busProperties } from '../systemd/marshal.js';
import { DEFAULT_SLICE, describeUnit, unitName } from '../systemd/names.js';

export interface AdoptionPlan {
  profile: string;
  scope: TransientScope;
  /** What is passed, as systemd-run would write it: property → value. */
  properties: Record<string, string>;
  leftOut: LeftOut[];
  /** Variables of the profile: a process that runs already cannot be given any. */
  environment: string[];
}

/**
 * The scope goes into the slice of all runs itself and into none of its own: nobody waits for the
 * end of adopted processes, who could stop a slice of theirs afterwards.
 * @param command command line of the first process, for the description
 * @throws {UsageError} for a unit or slice name that systemd would not take
 */
export function planAdoption(
  limits: Limits,
  {
    machine,
    id,
    command,
    unit,
    slice,
  }: { machine: Machine; id: string; command: readonly string[]; unit?: string; slice?: string },
): AdoptionPlan {
  const compiled = compileProperties(limits, { systemd: machine.systemd });
  const bus = busProperties(compiled.properties);
  const unsaid = new Set(bus.leftOut.map(({ property }) => property));
  const passed = Object.entries(compiled.properties).filter(([property]) => !unsaid.has(property));
  return {
    profile: limits.profile,
    scope: {
      unit: unitName(unit ?? `rlimit-${limits.profile}-${id}`, '.scope'),
      slice: unitName(slice ?? DEFAULT_SLICE, '.slice'),
      description: describeUnit(limits.profile, command),
      properties: bus.properties,
    },
    properties: Object.fromEntries(passed),
    leftOut: [...compiled.leftOut, ...bus.leftOut],
    environment: Object.keys(limits.environment),
  };
}
