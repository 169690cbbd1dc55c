/** The queue: one file a waiting run, numbered in the order in which they came. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { readStart } from '../cgroup/index.js';
import type { Amount, BudgetWaiter } from '../model/index.js';
import { type BrokenRecord, writeWhole } from '../state/index.js';

/** A run in the queue, as its file says it. */
export interface QueuedRun extends Omit<BudgetWaiter, 'place'> {
  startTicks: number;
}

/** A place in the queue that somebody holds. */
export interface QueuedEntry {
  /** Number of its file. */
  seq: number;
  run: QueuedRun;
  /** Stopped by Ctrl-Z: it keeps its place and lets others pass. */
  stopped: boolean;
}

export interface Queue {
  /** In order; only those whose process lives. */
  entries: QueuedEntry[];
  /** Numbers of files that a process left which lives no more. */
  dead: number[];
  broken: BrokenRecord[];
}

/** Reads the queue. A process is the one that waits only when it also started at the same tick. */
export function readQueue(directory: string, proc: string): Queue {
  const queue: Queue = { entries: [], dead: [], broken: [] };
  for (const seq of numbers(directory)) {
    const path = `${directory}/${fileName(seq)}`;
    try {
      const run = parseQueued(readFileSync(path, 'utf8'));
      const start = readStart(run.pid, proc);
      if (start?.startTicks !== run.startTicks) queue.dead.push(seq);
      else queue.entries.push({ seq, run, stopped: start.stopped });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      queue.broken.push({ path, why: error instanceof Error ? error.message : String(error) });
    }
  }
  return queue;
}

/**
 * Takes the next place. Only under the lock: two would else take the same.
 * @returns its number
 */
export function enqueue(directory: string, run: QueuedRun): number {
  const seq = Math.max(0, ...numbers(directory)) + 1;
  writeWhole(directory, fileName(seq), run);
  return seq;
}

/** Gives a place up. One that is not there is no error. */
export function leaveQueue(directory: string, seq: number): void {
  rmSync(`${directory}/${fileName(seq)}`, { force: true });
}

function fileName(seq: number): string {
  return `waiting-${seq}.json`;
}

function numbers(directory: string): number[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return names
    .flatMap((name) => Number(/^waiting-(\d{1,15})\.json$/.exec(name)?.[1] ?? []))
    .filter((seq) => seq > 0)
    .sort((a, b) => a - b);
}

function parseQueued(text: string): QueuedRun {
  const data: unknown = JSON.parse(text);
  const entry = (typeof data === 'object' && data !== null ? data : {}) as Record<string, unknown>;
  for (const [field, check] of Object.entries(FIELDS)) {
    if (!check(entry[field])) throw new Error(`its field ${field} is missing or of a wrong type`);
  }
  return entry as unknown as QueuedRun;
}

const isNumber = (value: unknown) => Number.isSafeInteger(value);
const isText = (value: unknown) => typeof value === 'string';

const FIELDS: Record<keyof QueuedRun, (value: unknown) => boolean> = {
  pid: isNumber,
  startTicks: isNumber,
  unit: isText,
  profile: isText,
  wants: (value: unknown): value is Amount => value === 'infinity' || isNumber(value),
  since: isNumber,
  command: (value) => Array.isArray(value) && value.every(isText),
};
