/** Which file, and which line of it, gave a unit the value of a property. */
import { readdirSync, readFileSync } from 'node:fs';
import type { UnitKind } from '../model/index.js';
import { isPropertyName, type PropertyName, propertySpec } from '../properties/index.js';
import { kindOf, type Shown } from './show.js';
import { type Assignment, parseUnitFile, splitPaths } from './unit-file.js';

/** What wrote a setting, told by the place of its file (systemd.unit(5), Unit File Load Path). */
export type SettingSource =
  | 'unit file'
  | 'transient unit'
  | 'drop-in'
  | 'set-property'
  | 'set-property --runtime';

/** The assignment that counts for a property. */
export interface Setting {
  /** As it is written there: `60%`, or nothing where it takes an earlier one away. */
  text: string;
  file: string;
  /** 1-based. */
  line: number;
  source: SettingSource;
}

export type Settings = Partial<Record<PropertyName, Setting>>;

/** The settings of a unit, and the files of it that could not be read, with the reason. */
export interface ReadSettings {
  settings: Settings;
  unreadable: Record<string, string>;
}

const SECTIONS: Record<UnitKind, string> = { scope: 'Scope', service: 'Service', slice: 'Slice' };

/** The settings that systemd has loaded, from the files that it names itself. */
export function loadedSettings(shown: Shown): ReadSettings {
  return readSettings(shown, splitPaths(shown.DropInPaths ?? ''));
}

/**
 * The settings as the files stand now, those among them that systemd has not loaded yet: what it
 * will hold after a daemon-reload.
 * @param unitPath the directories of the manager (`systemctl show -P UnitPath`), foremost first
 */
export function settingsOnDisk(shown: Shown, unitPath: readonly string[]): ReadSettings {
  return readSettings(shown, dropInsOf(shown.Id ?? '', unitPath));
}

/** The file of the unit comes first, its drop-ins in their order; the last one wins. */
function readSettings(shown: Shown, dropIns: readonly string[]): ReadSettings {
  const result: ReadSettings = { settings: {}, unreadable: {} };
  const kind = kindOf(shown.Id ?? '');
  if (kind === undefined) return result;
  const fragment = shown.FragmentPath ?? '';
  for (const file of [fragment, ...dropIns].filter(Boolean)) {
    for (const assignment of assignmentsIn(file, result.unreadable)) {
      const { section, name, value: text, line } = assignment;
      if (section !== SECTIONS[kind] || !isPropertyName(name) || isList(name)) continue;
      result.settings[name] = { text, file, line, source: sourceOf(file, fragment) };
    }
  }
  return result;
}

/** Of lists systemd adds one assignment to the other: no single one decides. */
function isList(name: PropertyName): boolean {
  const { kind } = propertySpec(name);
  return (
    ['cpu-list', 'addresses'].includes(kind.toString()) || kind.toString().startsWith('io-device')
  );
}

function assignmentsIn(file: string, unreadable: Record<string, string>): Assignment[] {
  try {
    return parseUnitFile(readFileSync(file, 'utf8'));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // A unit that was started by a file which is gone by now goes on by what it said.
    unreadable[file] = code === 'ENOENT' ? 'it is gone' : (code ?? message);
    return [];
  }
}

/** set-property writes beside the file of a transient unit (seen), else into a directory .control. */
function sourceOf(file: string, fragment: string): SettingSource {
  const isRuntime = file.startsWith('/run/');
  if (/\/systemd\/(system|user)\.control\//.test(file)) {
    return isRuntime ? 'set-property --runtime' : 'set-property';
  }
  const isTransient = /\/systemd\/transient\//.test(file);
  if (file === fragment) return isTransient ? 'transient unit' : 'unit file';
  return isTransient ? 'set-property --runtime' : 'drop-in';
}

/**
 * Drop-ins in the order in which systemd reads them: by their names, and of two with one name that
 * in the foremost directory (systemd.unit(5)).
 */
function dropInsOf(unit: string, unitPath: readonly string[]): string[] {
  const byName = new Map<string, string>();
  for (const name of dropInNames(unit)) {
    for (const directory of unitPath) {
      for (const entry of configurationIn(`${directory}/${name}.d`)) {
        const base = entry.slice(entry.lastIndexOf('/') + 1);
        if (!byName.has(base)) byName.set(base, entry);
      }
    }
  }
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path);
}

/** `a-b@c.service`: itself, its template, its prefixes `a-.service`, its type. */
export function dropInNames(unit: string): string[] {
  const [, stem = '', type = ''] = /^(.*)\.(\w+)$/.exec(unit) ?? [];
  const at = stem.indexOf('@');
  const template = at > 0 && at < stem.length - 1 ? [`${stem.slice(0, at + 1)}.${type}`] : [];
  const prefixes: string[] = [];
  const prefix = at > 0 ? stem.slice(0, at) : stem;
  for (let dash = prefix.lastIndexOf('-'); dash > 0; dash = prefix.lastIndexOf('-', dash - 1)) {
    // What ends in a dash is its own prefix.
    if (dash < prefix.length - 1) prefixes.push(`${prefix.slice(0, dash + 1)}.${type}`);
  }
  return [unit, ...template, ...prefixes, type];
}

function configurationIn(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith('.conf') && !name.startsWith('.'))
      .map((name) => `${directory}/${name}`);
  } catch {
    return [];
  }
}
