/**
 * What a guard has changed, written before it changes it: a guard that was killed leaves word for the
 * next one, and `guard status` reads it.
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isNumber, isObject, isText, isTexts } from '../state/check.js';
import type { GuardState } from './decide/types.js';
import type { GuardEvent } from './events.js';

const FILE = 'state.json';

/** As many events are kept for `guard status`. */
const MOST_EVENTS = 20;

export interface JournalEntry {
  version: 1;
  guard: { pid: number; startTicks: number; uid: number };
  /** Milliseconds since the epoch. */
  started: number;
  /** The settings file; absent where there is none. */
  settings?: string;
  /** The slice whose protection is set. */
  slice?: string;
  state: GuardState;
  /** The last ones, oldest first. */
  events: GuardEvent[];
}

export class Journal {
  readonly directory: string;
  #entry: JournalEntry;

  constructor(directory: string, entry: Omit<JournalEntry, 'version' | 'events'>) {
    this.directory = directory;
    this.#entry = { version: 1, ...entry, events: [] };
  }

  /** Notes what has happened; it is written with the next state. */
  tell(event: GuardEvent): void {
    this.#entry = { ...this.#entry, events: [...this.#entry.events, event].slice(-MOST_EVENTS) };
  }

  /**
   * Writes the state, so that a reader finds it whole or as it was.
   * @throws {Error} the system's own
   */
  write(changes: Partial<Pick<JournalEntry, 'state' | 'settings' | 'slice'>>): void {
    this.#entry = { ...this.#entry, ...changes };
    writeWhole(this.directory, FILE, this.#entry);
  }

  /** Nothing is left to put back. */
  clear(): void {
    rmSync(`${this.directory}/${FILE}`, { force: true });
  }
}

/** Makes the directory of a guard. Root's is for all to read: every jobserver looks into it. */
export function makeGuardDirectory(directory: string, uid: number): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (uid === 0) chmodSync(directory, 0o755);
}

/** Writes a value as JSON, by renaming, for others to read. */
export function writeWhole(directory: string, name: string, value: unknown): void {
  const draft = `${directory}/.${name}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(value), { mode: 0o644 });
  renameSync(draft, `${directory}/${name}`);
}

/** What the last guard in a directory has left; absent where there is none, or nothing that makes sense. */
export function readJournal(directory: string): JournalEntry | undefined {
  try {
    const entry: unknown = JSON.parse(readFileSync(`${directory}/${FILE}`, 'utf8'));
    return isEntry(entry) ? entry : undefined;
  } catch {
    return undefined;
  }
}

function isEntry(entry: unknown): entry is JournalEntry {
  if (!isObject(entry) || entry.version !== 1 || !isObject(entry.guard)) return false;
  const { guard, state, started, events } = entry;
  if (![guard.pid, guard.startTicks, guard.uid, started].every(isNumber)) return false;
  return Array.isArray(events) && isObject(state) && isState(state);
}

function isState(state: Record<string, unknown>): boolean {
  const { scene, frozen, spared, adjusted, protected: kept, refused, stalls, told } = state;
  const isRecord = (process: unknown) =>
    isObject(process) && isNumber(process.pid) && isNumber(process.startTicks);
  return (
    [0, 1, 2, 3].includes(state.rung as number) &&
    [scene, spared, stalls].every(isObject) &&
    [adjusted, kept, state.inherited ?? {}].every(
      (each) => isObject(each) && Object.values(each).every(isRecord),
    ) &&
    [refused, told].every(isTexts) &&
    Array.isArray(frozen) &&
    frozen.every((each) => isObject(each) && isText(each.unit) && isText(each.cgroup))
  );
}
