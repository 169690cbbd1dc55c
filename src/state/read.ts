import { readdirSync, readFileSync } from 'node:fs';
import type { UnitRecord } from '../model/index.js';
import { isMoment, isNumber, isObject, isText, isTexts, optional } from './check.js';

/** A file among the records that is not one, and why. */
export interface BrokenRecord {
  path: string;
  why: string;
}

/** All records there are, and the files that could not be used: they never stop a reader. */
export interface Records {
  records: UnitRecord[];
  broken: BrokenRecord[];
}

/** Reads the records of running units; a directory that is not there holds none. */
export function readRecords(directory: string): Records {
  const result: Records = { records: [], broken: [] };
  for (const name of recordFiles(directory)) {
    const path = `${directory}/${name}`;
    try {
      const record = parseRecord(readFileSync(path, 'utf8'));
      if (`${record.unit}.json` !== name) throw new Error(`it is about ${record.unit}`);
      result.records.push(record);
    } catch (error) {
      // Its run ended between the listing and the reading.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      result.broken.push({ path, why: error instanceof Error ? error.message : String(error) });
    }
  }
  return result;
}

/** The record of one unit; absent where there is none that can be used. */
export function readRecord(directory: string, unit: string): UnitRecord | undefined {
  try {
    const record = parseRecord(readFileSync(`${directory}/${unit}.json`, 'utf8'));
    return record.unit === unit ? record : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Reads one record.
 * @throws {Error} saying what is wrong with it
 */
export function parseRecord(text: string): UnitRecord {
  const data: unknown = JSON.parse(text);
  if (!isObject(data)) throw new Error('it is not a record');
  if (data.version !== 1) throw new Error(`its version is ${JSON.stringify(data.version)}, not 1`);
  for (const [field, check] of Object.entries(FIELDS)) {
    if (!check(data[field])) throw new Error(`its field ${field} is missing or of a wrong type`);
  }
  return data as unknown as UnitRecord;
}

const FIELDS: Record<Exclude<keyof UnitRecord, 'version'>, (value: unknown) => boolean> = {
  // It becomes a file name and an argument of systemctl.
  unit: (value) => isText(value) && /^[\w:\\@][\w:\\@.-]*\.(scope|service|slice)$/.test(value),
  slice: isText,
  ownSlice: optional((value) => value === true),
  profile: isText,
  properties: (value) => isObject(value) && Object.values(value).every(isText),
  jobs: optional(isNumber),
  command: isTexts,
  cwd: isText,
  pid: optional(isNumber),
  started: isMoment,
  launcher: optional((value) => ['user', 'system', 'cgroup', 'watched'].includes(value as string)),
  // It is a path below the cgroup root that is written to.
  cgroup: optional(
    (value) => isText(value) && /^(\/[^/\0]+)+$/.test(value) && !/\/\.\.?(\/|$)/.test(value),
  ),
  runner: optional((value) => isObject(value) && isNumber(value.pid) && isNumber(value.startTicks)),
  within: optional(isText),
  killed: optional((value) => isObject(value) && isText(value.signal) && isText(value.by)),
};

function recordFiles(directory: string): string[] {
  try {
    // Other things kept here (the cached version of systemd) are not named after a unit.
    return readdirSync(directory).filter((name) => /\.(scope|service|slice)\.json$/.test(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
