import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { UnitRecord } from '../model/index.js';

/**
 * Where records of running units are kept: `$XDG_RUNTIME_DIR/rlimit`, a tmpfs that is the user's
 * alone and empty after a reboot, when no unit is left either. Absent without XDG_RUNTIME_DIR.
 */
export function recordDirectory(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return env.XDG_RUNTIME_DIR ? `${env.XDG_RUNTIME_DIR}/rlimit` : undefined;
}

/**
 * Writes what was asked of a unit, so that a reader finds it whole or not at all. Synchronous: it
 * is on the way from `run` to the command.
 * @throws {Error} the system's own when the directory cannot be made or written
 */
export function writeRecord(directory: string, record: UnitRecord): void {
  writeWhole(directory, recordFile(record.unit), record);
}

/**
 * Writes a value as JSON into the directory, which is made where it is missing.
 * @throws {Error} the system's own
 */
export function writeWhole(directory: string, name: string, value: unknown): void {
  makeRecordDirectory(directory);
  // No reader takes a name that does not end in .json for a record.
  const draft = `${directory}/${name}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(value), { mode: 0o600 });
  renameSync(draft, `${directory}/${name}`);
}

/** XDG_RUNTIME_DIR itself is logind's to make. */
function makeRecordDirectory(directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Forgets a unit. One that is not recorded is no error. */
export function removeRecord(directory: string, unit: string): void {
  rmSync(`${directory}/${recordFile(unit)}`, { force: true });
}

/** Unit names have no slash and none begins with a dot (systemd.unit(5)), so each is a file name. */
function recordFile(unit: string): string {
  return `${unit}.json`;
}
