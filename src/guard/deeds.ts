/**
 * What the guard has done, for runs, watches and metrics: counts since boot, and the last deeds. It
 * outlives the guard, so that counters go on where they were and a run can be told who ended it.
 */
import { rmSync } from 'node:fs';
import type { GuardActionKind, GuardDeed, GuardDeeds, MachineSample } from '../model/index.js';
import { DEEDS_FILE, readDeeds } from '../state/guard-deeds.js';
import type { Outcome } from './act/outcome.js';
import type { Note } from './collect/entry.js';
import type { Action } from './decide/types.js';
import { writeWhole } from './journal.js';

/** As many deeds are kept: those of some minutes in which everything happens. */
const MOST_DEEDS = 60;

/** Deeds that a run is told of are known before they are done. */
const FORETOLD: readonly GuardActionKind[] = ['freeze', 'term', 'kill', 'livelock', 'tokens'];

export interface DeedClock {
  /** CLOCK_MONOTONIC and the wall clock, in milliseconds. */
  atMs(): number;
  time(): number;
}

export class DeedBook {
  readonly #directory: string;
  readonly #clock: DeedClock;
  #kept: GuardDeeds;
  /** Deeds that are about to be done, by the action that they are of. */
  #pending = new Map<Action, GuardDeed>();
  #isDirty = false;

  /** Goes on with what an earlier guard has left. */
  constructor(directory: string, guard: GuardDeeds['guard'], clock: DeedClock) {
    this.#directory = directory;
    this.#clock = clock;
    const before = readDeeds(directory, guard.uid);
    const { done = {}, failed = {}, deeds = [] } = before ?? {};
    this.#kept = { version: 1, guard, tells: false, done, failed, deeds };
    this.#isDirty = true;
  }

  /** Whether anything was ever done. */
  get isEmpty(): boolean {
    const { done, failed } = this.#kept;
    return Object.keys(done).length + Object.keys(failed).length === 0;
  }

  /** @param tells whether the guard's alerts are told by itself */
  setTells(tells: boolean): void {
    if (tells === this.#kept.tells) return;
    this.#kept = { ...this.#kept, tells };
    this.#isDirty = true;
  }

  /** Writes down what is about to be done: who is killed by it asks at once who it was. */
  intend(actions: readonly Action[], sample: MachineSample): void {
    const meant = actions.filter((action) => FORETOLD.includes(kindOf(action)));
    if (meant.length === 0) return;
    for (const action of meant) this.#pending.set(action, this.#deed(action, sample));
    this.#keep(...this.#pending.values());
    this.flush();
  }

  /** Notes what came of an action. */
  settle(action: Action, outcome: Outcome): void {
    const kind = kindOf(action);
    const deed = this.#pending.get(action);
    this.#pending.delete(action);
    if (outcome === 'done') {
      this.#count('done', kind);
      const isTold = kind === 'warn' || kind === 'thaw' || kind === 'tokens';
      if (deed === undefined && isTold) this.#keep(this.#deed(action));
      return;
    }
    if (typeof outcome === 'object') this.#count('failed', kind);
    if (deed === undefined) return;
    this.#kept = { ...this.#kept, deeds: this.#kept.deeds.filter((each) => each !== deed) };
    this.#isDirty = true;
  }

  /** Notes what was done about a GPU. */
  note({ about, message, fields = {} }: Note): void {
    if (about !== 'gpu-end') return;
    const { pid, startTicks, name, signal, memory, cgroup, result } = fields;
    if (result === 'failed') this.#count('failed', 'gpu');
    if (result !== 'done') return;
    this.#count('done', 'gpu');
    this.#keep({
      ...{ kind: 'gpu', ...this.#now(), why: message },
      ...(signal === 'SIGKILL' || signal === 'SIGTERM' ? { signal } : {}),
      ...(typeof cgroup === 'string' ? { cgroup } : {}),
      ...(typeof memory === 'number' ? { memory } : {}),
      process: { pid: Number(pid), startTicks: Number(startTicks), comm: String(name) },
    });
  }

  /** Writes what is new; a directory that cannot be written keeps nobody from acting. */
  flush(): void {
    if (!this.#isDirty) return;
    try {
      writeWhole(this.#directory, DEEDS_FILE, this.#kept);
      this.#isDirty = false;
    } catch {
      // Tried again with the next deed; the journal, in the same place, says what is the matter.
    }
  }

  /** Nothing was done, and nothing is to be known. */
  clear(): void {
    this.#isDirty = false;
    rmSync(`${this.#directory}/${DEEDS_FILE}`, { force: true });
  }

  #count(what: 'done' | 'failed', kind: GuardActionKind): void {
    const counts = this.#kept[what];
    this.#kept = { ...this.#kept, [what]: { ...counts, [kind]: (counts[kind] ?? 0) + 1 } };
    this.#isDirty = true;
  }

  #keep(...deeds: GuardDeed[]): void {
    const fresh = deeds.filter((deed) => !this.#kept.deeds.includes(deed));
    this.#kept = { ...this.#kept, deeds: [...this.#kept.deeds, ...fresh].slice(-MOST_DEEDS) };
    this.#isDirty = true;
  }

  #deed(action: Action, sample?: MachineSample): GuardDeed {
    const kind = kindOf(action) as GuardDeed['kind'];
    const memory = sample?.memory;
    return {
      ...{ kind, ...this.#now() },
      ...('unit' in action ? { unit: action.unit, cgroup: action.cgroup } : {}),
      ...('process' in action ? processOf(action.process, sample) : {}),
      ...('signal' in action ? { signal: action.signal, memory: action.memory } : {}),
      ...(memory === undefined || memory.total === 0
        ? {}
        : { available: Math.round((memory.available / memory.total) * 1000) / 10 }),
      ...(action.do === 'tokens' && action.most !== undefined ? { most: action.most } : {}),
      ...(action.do === 'breakLivelock' ? { how: action.how } : {}),
      why: action.why,
    };
  }

  #now(): Pick<GuardDeed, 'atMs' | 'time'> {
    return { atMs: this.#clock.atMs(), time: this.#clock.time() };
  }
}

function processOf(
  process: NonNullable<GuardDeed['process']>,
  sample: MachineSample | undefined,
): Pick<GuardDeed, 'process' | 'cgroup'> {
  const { pid, startTicks, comm } = process;
  const seen = sample?.processes.find((each) => each.pid === pid && each.startTicks === startTicks);
  return {
    process: { pid, startTicks, comm },
    ...(seen?.cgroup === undefined ? {} : { cgroup: seen.cgroup }),
  };
}

/** The name of an action in counts. */
export function kindOf(action: Action): GuardActionKind {
  if (action.do === 'end' || action.do === 'endUnit') {
    return action.signal === 'SIGKILL' ? 'kill' : 'term';
  }
  return action.do === 'breakLivelock' ? 'livelock' : action.do;
}
