/** Who holds what of the budget, and who waits for it: the records of runs and the queue. */
import { isPopulated, isAlive as isStartOf } from '../cgroup/index.js';
import type {
  Amount,
  BudgetHolder,
  BudgetState,
  BudgetWaiter,
  UnitRecord,
} from '../model/index.js';
import { type BrokenRecord, readRecords } from '../state/index.js';
import { promisedOf } from './decide.js';
import { memoryInUse, promiseOf } from './limit.js';
import { countsAgainst, type Surroundings, sliceCgroup } from './slice.js';
import { type QueuedEntry, readQueue } from './waiting.js';

/** A live run and its part. */
export interface Holding {
  record: UnitRecord;
  promise: Amount;
}

export interface Ledger {
  /** The oldest first. */
  holdings: Holding[];
  queue: QueuedEntry[];
  /** What was left behind: units whose run and rlimit are both gone, and places in the queue. */
  dead: { units: string[]; places: number[] };
  /** Files that could not be used. */
  broken: BrokenRecord[];
}

/** Reads all of it, from files alone. */
export function readLedger(places: Surroundings & { directory: string }): Ledger {
  const { records, broken } = readRecords(places.directory);
  const queue = readQueue(places.directory, places.proc);
  const inBudget = records.filter(countsAgainst);
  const live = inBudget.filter((record) => isAlive(record, places));
  const units = new Set(live.map(({ unit }) => unit));
  return {
    holdings: live
      // What is inside another run's limits is promised there, for as long as that run lives.
      .filter(({ within }) => within === undefined || !units.has(within))
      .map((record) => ({ record, promise: promiseOf(record) }))
      .sort((a, b) => a.record.started - b.record.started),
    queue: queue.entries,
    dead: {
      // A record without a runner may be of a run that is about to start.
      units: inBudget
        .filter(({ unit, runner }) => runner !== undefined && !units.has(unit))
        .map(({ unit }) => unit),
      places: queue.dead,
    },
    broken: [...broken, ...queue.broken],
  };
}

/** Its rlimit lives, or a process of it does, though rlimit was killed. */
function isAlive({ runner, slice, unit }: UnitRecord, places: Surroundings): boolean {
  if (runner !== undefined) {
    if (isStartOf(runner, places.proc)) return true;
  }
  return isPopulated(`${sliceCgroup(slice, places)}/${unit}`, places.root);
}

/** The ledger as numbers and names. */
export function stateOf(ledger: Ledger, memoryMax: number, places: Surroundings): BudgetState {
  const promised = promisedOf(
    ledger.holdings.map(({ promise }) => promise),
    memoryMax,
  );
  return {
    memoryMax,
    promised,
    free: Math.max(0, memoryMax - promised),
    holders: ledger.holdings.map((holding) => holderOf(holding, places)),
    waiting: waitersOf(ledger.queue),
  };
}

export function holderOf({ record, promise }: Holding, places: Surroundings): BudgetHolder {
  const { unit, slice, profile, started, command } = record;
  const used = memoryInUse(`${sliceCgroup(slice, places)}/${unit}`, places);
  return {
    unit,
    profile,
    promise,
    ...(used === undefined ? {} : { used }),
    since: started,
    command,
  };
}

export function waitersOf(queue: readonly QueuedEntry[]): BudgetWaiter[] {
  let place = 0;
  return queue.map(({ run, stopped }) => {
    const { startTicks: _, ...waiter } = run;
    if (stopped) return waiter;
    place += 1;
    return { place, ...waiter };
  });
}
