import type { UnitKind } from '../model/index.js';
import { PROPERTY_NAMES, shownName } from '../properties/index.js';

/** Names of our units: `run` makes them so unless it was told another name. */
export const OUR_UNITS = 'rlimit-*.scope';

/** What `systemctl show` says of one unit: property name → text as printed. */
export type Shown = Record<string, string>;

/**
 * Arguments of the one `systemctl show` that asks everything about all units: each further call
 * would cost more than all units in this one. Patterns match the units that are loaded; a name
 * that does not exist comes back with LoadState=not-found.
 */
export function showArgs(units: readonly string[]): string[] {
  return ['show', `--property=${ASKED.join(',')}`, '--', ...units];
}

/**
 * Reads the output of that call, one record a unit, each unit once. Units are divided by an empty
 * line. A value may go over several lines (one a device, or a description with line breaks): a
 * line that does not begin like a property continues the one before.
 * @param asked names of the properties that were asked for
 */
export function parseShow(text: string, asked: readonly string[] = ASKED): Shown[] {
  const units = new Map<string, Shown>();
  for (const block of text.split(/\n\n+/)) {
    const shown = parseBlock(block, asked);
    if (shown.Id !== undefined && !units.has(shown.Id)) units.set(shown.Id, shown);
  }
  return [...units.values()];
}

/** The type of a unit by its name; absent for types that have no limits of their own. */
export function kindOf(unit: string): UnitKind | undefined {
  return /\.(scope|service|slice)$/.exec(unit)?.[1] as UnitKind | undefined;
}

const ASKED = [
  'Id',
  'Description',
  'LoadState',
  'ActiveState',
  'Result',
  'Slice',
  'ControlGroup',
  'FragmentPath',
  'DropInPaths',
  'NeedDaemonReload',
  'MainPID',
  'DisableControllers',
  'ActiveEnterTimestampMonotonic',
  ...PROPERTY_NAMES.map(shownName),
];

function parseBlock(block: string, asked: readonly string[]): Shown {
  const shown: Shown = {};
  let last: string | undefined;
  for (const line of block.split('\n')) {
    const [, name, value] = /^([A-Z]\w*)=(.*)$/.exec(line) ?? [];
    const isNew = name !== undefined && value !== undefined && asked.includes(name);
    if (isNew && shown[name] === undefined) {
      shown[name] = value;
      last = name;
    } else if (isNew && name === last) {
      shown[name] += `\n${value}`;
    } else if (!isNew && last !== undefined && line !== '') {
      shown[last] += `\n${line}`;
    }
  }
  return shown;
}
