/** Runs of ours by their records: the user's own, and for root those of every user. */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
} from 'node:fs';
import type { UnitRecord } from '../model/index.js';
import { parseRecord, recordDirectory } from '../state/index.js';

/** A record with the tree in which it is believed. */
export interface OwnRecord {
  record: UnitRecord;
  /** The user who wrote it: it tells only of cgroups of that user. Absent for what the reader wrote. */
  uid?: number;
}

/** A record has a command line in it, which is at most 2 MiB (execve(2)) and seldom a KiB. */
const MOST_BYTES = 256 * 1024;

export interface RecordOptions {
  env: NodeJS.ProcessEnv;
  uid: number;
  /** Where the directories of users are; another one in tests. */
  runtimes?: string;
}

/** Reads records when their directories have changed. */
export class RecordReader {
  readonly #own: string | undefined;
  readonly #runtimes: string | undefined;
  #stamp = '';
  #records: OwnRecord[] = [];

  constructor({ env, uid, runtimes = '/run/user' }: RecordOptions) {
    this.#own = recordDirectory(env, { uid });
    this.#runtimes = uid === 0 ? runtimes : undefined;
  }

  /** Whether there were changes since the last call. A record comes and goes by a rename. */
  refresh(): boolean {
    const places = this.#places();
    const stamp = places.map(({ path }) => `${path} ${changedAt(path)}`).join('\n');
    if (stamp === this.#stamp) return false;
    this.#stamp = stamp;
    this.#records = places.flatMap(({ path, uid }) =>
      recordsIn(path).map((record) => ({ record, ...(uid === undefined ? {} : { uid }) })),
    );
    return true;
  }

  /** The record of a unit, if it can be believed for the cgroup. */
  of(unit: string, cgroup: string): UnitRecord | undefined {
    return this.#records.find(
      ({ record, uid }) => record.unit === unit && (uid === undefined || isOfUser(cgroup, uid)),
    )?.record;
  }

  get records(): readonly OwnRecord[] {
    return this.#records;
  }

  #places(): { path: string; uid?: number }[] {
    const own = this.#own === undefined ? [] : [{ path: this.#own }];
    if (this.#runtimes === undefined) return own;
    const users = namesIn(this.#runtimes).filter((name) => /^[1-9]\d*$/.test(name));
    const others = users.map((name) => ({
      path: `${this.#runtimes}/${name}/rlimit`,
      uid: Number(name),
    }));
    return [...own, ...others];
  }
}

/** Whether a cgroup lies in the tree of a user's own service manager. */
function isOfUser(cgroup: string, uid: number): boolean {
  return cgroup.startsWith(`/user.slice/user-${uid}.slice/`);
}

function recordsIn(directory: string): UnitRecord[] {
  return namesIn(directory)
    .filter((name) => /\.(scope|service|slice)\.json$/.test(name))
    .flatMap((name) => readOne(`${directory}/${name}`, name) ?? []);
}

/** One that is no record, or no file at all, is nobody's business here: `inspect` tells of it. */
function readOne(path: string, name: string): UnitRecord | undefined {
  try {
    const record = parseRecord(readRegular(path));
    return `${record.unit}.json` === name ? record : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Reads a file in a directory of somebody else: a link would lead elsewhere, and a FIFO would keep us
 * waiting.
 */
function readRegular(path: string): string {
  const file = openSync(path, constants.O_RDONLY + constants.O_NOFOLLOW + constants.O_NONBLOCK);
  try {
    const stats = fstatSync(file);
    if (!stats.isFile() || stats.size > MOST_BYTES) throw new Error('it is not a record');
    const bytes = Buffer.alloc(stats.size);
    return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(file);
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function changedAt(path: string): number | undefined {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return undefined;
  }
}
