/**
 * What the guards have done: written by `rlimit guard`, read by a run that wants to know who ended it, by
 * watches and by metrics. On the way of `run`, so synchronous and small.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import type { GuardDeed, GuardDeeds } from '../model/index.js';
import { isNumber, isObject, isText, optional } from './check.js';
import { recordDirectory } from './write.js';

/** Where root's guard keeps what concerns everybody; only root can write there. */
export const SYSTEM_GUARD = '/run/rlimit-guard';

/** Where the guard of a user does, in the directory of that user's records. */
export function userGuard(records: string): string {
  return `${records}/guard`;
}

export const DEEDS_FILE = 'deeds.json';

/** What was kept, with whose guard it was. */
export type KeptDeeds = GuardDeeds & { of: 'machine' | 'user' };

/**
 * The deeds of root's guard and of the user's own; none where there has been no guard since boot.
 * @param system directory of root's guard, and its owner; others in tests
 */
export function readGuardDeeds(
  env: NodeJS.ProcessEnv = process.env,
  {
    uid = process.geteuid?.() ?? 0,
    system = SYSTEM_GUARD,
    root = 0,
  }: { uid?: number; system?: string; root?: number } = {},
): KeptDeeds[] {
  const machine = readDeeds(system, root);
  const records = uid === root ? undefined : recordDirectory(env, { uid });
  const user = records === undefined ? undefined : readDeeds(userGuard(records), uid);
  return [
    ...(machine === undefined ? [] : [{ ...machine, of: 'machine' as const }]),
    ...(user === undefined ? [] : [{ ...user, of: 'user' as const }]),
  ];
}

/** Larger than any that a guard writes. */
const MOST_BYTES = 1024 * 1024;

/**
 * Reads the file of one guard. One that belongs to somebody else, or that others may write, is not
 * believed: a verdict rests on it.
 */
export function readDeeds(directory: string, owner: number): GuardDeeds | undefined {
  let descriptor: number | undefined;
  try {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    const file = `${directory}/${DEEDS_FILE}`;
    descriptor = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const stat = fstatSync(descriptor);
    const isOwn = stat.isFile() && stat.uid === owner && (stat.mode & 0o022) === 0;
    if (!isOwn || stat.size > MOST_BYTES) return undefined;
    const data: unknown = JSON.parse(readFileSync(descriptor, 'utf8'));
    return isDeeds(data) ? data : undefined;
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function isDeeds(data: unknown): data is GuardDeeds {
  if (!isObject(data) || data.version !== 1 || typeof data.tells !== 'boolean') return false;
  const { guard, done, failed, deeds } = data;
  if (!isObject(guard) || ![guard.pid, guard.startTicks, guard.uid].every(isNumber)) return false;
  const isCounts = (counts: unknown) => isObject(counts) && Object.values(counts).every(isNumber);
  return isCounts(done) && isCounts(failed) && Array.isArray(deeds) && deeds.every(isDeed);
}

function isDeed(deed: unknown): deed is GuardDeed {
  if (!isObject(deed) || !isText(deed.kind) || !isText(deed.why)) return false;
  const { atMs, time, unit, cgroup, memory, available, most, process } = deed;
  return (
    [atMs, time].every(isNumber) &&
    [unit, cgroup].every(optional(isText)) &&
    [memory, available, most].every(optional(isNumber)) &&
    optional((each) => isObject(each) && isNumber(each.pid) && isText(each.comm))(process)
  );
}
