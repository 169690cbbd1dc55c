import { lstatSync, mkdirSync, renameSync, rmSync, type Stats, writeFileSync } from 'node:fs';
import type { UnitRecord } from '../model/index.js';

/**
 * Where records of running units are kept: `$XDG_RUNTIME_DIR/rlimit`, a tmpfs that is the user's
 * alone and empty after a reboot, when no unit is left either. Where the variable is missing, as in
 * containers, under su and cron: below /run/user/UID where that is there, /run/rlimit for root, and
 * `/tmp/rlimit-UID` for others. A directory in /tmp that is not the user's alone is not used: what
 * somebody else may write there would be believed, and `kill` goes by it. Absent then.
 * @param root directory that holds `run`; another tree in tests
 */
export function recordDirectory(
  env: NodeJS.ProcessEnv = process.env,
  { uid = process.getuid?.() ?? 0, root = '' }: { uid?: number; root?: string } = {},
): string | undefined {
  if (env.XDG_RUNTIME_DIR) return `${env.XDG_RUNTIME_DIR}/rlimit`;
  const usual = `${root}/run/user/${uid}`;
  if (isOwn(statOf(usual), uid)) return `${usual}/rlimit`;
  if (uid === 0) return `${root}/run/rlimit`;
  const directory = `${env.TMPDIR || `${root}/tmp`}/rlimit-${uid}`;
  const stat = statOf(directory);
  return stat === undefined || isPrivate(stat, uid) ? directory : undefined;
}

/** Of the link itself, if it is one. */
function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** A link is no directory here, so nobody can lead us somewhere else. */
function isOwn(stat: Stats | undefined, uid: number): boolean {
  return stat?.isDirectory() === true && stat.uid === uid;
}

/** Whether nobody else can write in it; /tmp is sticky, so that nobody can replace it either. */
function isPrivate(stat: Stats, uid: number): boolean {
  return isOwn(stat, uid) && (stat.mode & 0o077) === 0;
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

/**
 * Makes the directory of records where it is missing. XDG_RUNTIME_DIR itself is logind's to make.
 * @throws {Error} the system's own
 */
export function makeRecordDirectory(directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // In /tmp anybody may have been quicker than we.
    if (!/\/rlimit-\d+$/.test(directory)) return;
    const stat = statOf(directory);
    if (stat === undefined || !isPrivate(stat, process.geteuid?.() ?? 0)) {
      throw new Error(`${directory} is not a directory of yours alone`);
    }
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
