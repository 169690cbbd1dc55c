/** A unit that its manager has loaded. */
import { UsageError } from '../../errors/index.js';
import { meaningOf, tolerant } from '../../inspect/meaning.js';
import {
  PROPERTY_NAMES,
  type PropertyName,
  propertySpec,
  shownName,
} from '../../properties/index.js';
import { type FoundUnit, findNamedUnits } from '../../systemd/find.js';
import { loadedSettings } from '../../systemd/settings.js';
import { limitsOf, type Setting } from './settings.js';
import type { Found } from './types.js';

/**
 * Reads what the manager holds for a unit, of what somebody set: everything has defaults, and those are
 * nobody's wish.
 * @param find for tests
 * @throws {UnknownNameError} for a unit that is not there
 * @throws {UnavailableError} without a manager to ask
 */
export async function fromRunningUnit(
  name: string,
  find: typeof findNamedUnits = findNamedUnits,
): Promise<Found> {
  const units = await find([name], []);
  const [unit] = units;
  if (unit === undefined || units.length > 1) {
    const ids = units.map(({ shown }) => shown.Id ?? '');
    throw new UsageError(`${name} stands for ${units.length} units`, {
      why: `They are ${ids.join(', ')}.`,
      remedy: `rlimit profile import ${ids[0] ?? ''}`,
    });
  }
  const { settings, unreadable } = heldSettings(unit);
  const id = unit.shown.Id ?? name;
  return {
    source: `${id} of the ${unit.manager === 'system' ? 'system’s' : 'user’s'} manager`,
    name: id.replace(/\.\w+$/, ''),
    ...limitsOf(settings),
    environment: {},
    notes: [
      'what its files say besides limits was not looked at',
      ...Object.entries(unreadable).map(([file, reason]) => `${file} was not read: ${reason}`),
    ],
  };
}

/** Values as `systemctl show` has them, in systemd's own syntax, of the properties that were set. */
function heldSettings({ shown }: FoundUnit): {
  settings: Setting[];
  unreadable: Record<string, string>;
} {
  const { settings: written, unreadable } = loadedSettings(shown);
  const isBlind = Object.keys(unreadable).length > 0;
  const settings = PROPERTY_NAMES.flatMap((name) => {
    const text = shown[shownName(name)] ?? '';
    const meaning = meaningOf(name);
    if (isList(name)) return linesOf(text).map((value) => ({ name, value }));
    const value = tolerant(() => meaning.shown(text));
    if (value === undefined) return [];
    const isSet = (written[name]?.text ?? '') !== '';
    const isGuess = isBlind && meaning.unset !== undefined && value !== meaning.unset;
    // systemd has no `CPUQuota=infinity`: none is what a unit has anyway.
    if (name === 'CPUQuota' && value === 'infinity') return [];
    return isSet || isGuess ? [{ name, value: meaning.text(value) }] : [];
  });
  return { settings, unreadable };
}

/** Of these no single assignment decides, so they are not among the settings of the files. */
function isList(name: PropertyName): boolean {
  const kind = propertySpec(name).kind.toString();
  return kind === 'cpu-list' || kind === 'addresses' || kind.startsWith('io-device');
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line.trim() !== '');
}
