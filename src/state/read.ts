import { readdirSync, readFileSync } from 'node:fs';
import type { UnitRecord } from '../model/index.js';

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
  profile: isText,
  properties: (value) => isObject(value) && Object.values(value).every(isText),
  jobs: optional(isNumber),
  command: (value) => Array.isArray(value) && value.every(isText),
  cwd: isText,
  pid: optional(isNumber),
  // The range of a Date.
  started: (value) => isNumber(value) && Math.abs(value) <= 8.64e15,
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

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function optional(check: (value: unknown) => boolean): (value: unknown) => boolean {
  return (value) => value === undefined || check(value);
}
