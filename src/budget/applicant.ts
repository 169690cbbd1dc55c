/**
 * A run that wants a part of the budget. Two at once never both take the last room: a run reserves
 * it by writing its record, under a lock. `run` loads this only where there is a budget.
 */
import { type FSWatcher, watch } from 'node:fs';
import { readStart } from '../cgroup/index.js';
import { CannotRunError } from '../errors/index.js';
import type { Amount, BudgetPlace, BudgetState, UnitRecord } from '../model/index.js';
import { removeRecord, writeRecord } from '../state/write.js';
import { nameTaken } from '../systemd/names.js';
import { type Decision, decide } from './decide.js';
import { type Ledger, readLedger, stateOf } from './ledger.js';
import { memoryBudget, promiseOf } from './limit.js';
import { withLock } from './lock.js';
import { refusal } from './refusal.js';
import type { Surroundings } from './slice.js';
import { enqueue, leaveQueue } from './waiting.js';

export interface AdmissionRequest {
  /** What `run` is about to start; its MemoryMax is what it wants. */
  record: UnitRecord;
  /** Whether to wait for room; otherwise a run that does not fit is refused. */
  wait: boolean;
  /** Called with the first place in the queue, and whenever it is another. */
  onPlace?(place: BudgetPlace): void;
  /** Numbers of signals that the caller ignores (nohup): they do not end the wait either. */
  ignoredSignals?: readonly number[];
}

type Places = Surroundings & { directory: string };

/**
 * Takes the run's part of the budget, or waits until it can.
 * @throws {BudgetError} when there is no room, with who holds what
 * @throws {CannotRunError} when the lock cannot be had
 */
export async function takePart(
  request: AdmissionRequest,
  places: Places,
  pollMs: number,
): Promise<void> {
  const { record, ignoredSignals = [] } = request;
  const applicant = new Applicant(
    { ...record, runner: ownRunner(record, places) },
    request,
    places,
  );
  await enterInTurn(applicant, ignoredSignals, pollMs);
}

/** @throws {CannotRunError} where /proc does not show us */
function ownRunner({ runner }: UnitRecord, { proc }: Surroundings) {
  if (runner !== undefined) return runner;
  const start = readStart(process.pid, proc);
  if (start === undefined) throw new CannotRunError(`${proc}/${process.pid}/stat cannot be read`);
  return { pid: process.pid, startTicks: start.startTicks };
}

/** One run that wants in. */
class Applicant {
  readonly #record: UnitRecord & { runner: { pid: number; startTicks: number } };
  readonly #request: AdmissionRequest;
  readonly #places: Places;
  readonly #wants: Amount;
  /** Number in the queue, while it waits. */
  #seq: number | undefined;
  #entered = false;
  #place: number | undefined;

  constructor(
    record: UnitRecord & { runner: { pid: number; startTicks: number } },
    request: AdmissionRequest,
    places: Places,
  ) {
    this.#record = record;
    this.#request = request;
    this.#places = places;
    this.#wants = promiseOf(record);
  }

  get directory(): string {
    return this.#places.directory;
  }

  /**
   * Goes in, or takes a place in the queue.
   * @returns whether it is in
   * @throws {BudgetError}
   */
  enter(): boolean {
    const isIn = withLock(this.directory, () => {
      const ledger = readLedger(this.#places);
      this.#tidy(ledger);
      this.#refuseTakenName(ledger);
      const view = this.#look(ledger);
      if (view === undefined || view.decision.admitted) {
        writeRecord(this.directory, this.#record);
        this.#entered = true;
        this.#leaveQueue();
        return true;
      }
      const { decision, state } = view;
      if (decision.why === 'never' || !this.#request.wait) {
        throw refusal(decision, this.#wants, state(), Date.now());
      }
      this.#seq ??= enqueue(this.directory, this.#queued());
      return false;
    });
    // Whoever reads what we say may be slow: not under the lock.
    return isIn || this.tryAgain();
  }

  /**
   * Looks whether its turn has come, without the lock as long as it has not.
   * @returns whether it is in
   */
  tryAgain(): boolean {
    const ledger = readLedger(this.#places);
    const view = this.#look(ledger);
    if (view === undefined || view.decision.admitted || view.decision.why === 'never') {
      return this.enter();
    }
    this.#say(1 + this.#ahead(ledger), view.state);
    return false;
  }

  /** Leaves nothing behind. */
  withdraw(): void {
    this.#leaveQueue();
    if (this.#entered) removeRecord(this.directory, this.#record.unit);
  }

  /** Absent when there is no budget any more. */
  #look(ledger: Ledger): { decision: Decision; state: () => BudgetState } | undefined {
    const budget = memoryBudget(this.#places);
    if (budget === undefined) return undefined;
    const decision = decide({
      budget,
      held: ledger.holdings.map(({ promise }) => promise),
      ahead: this.#ahead(ledger),
      wants: this.#wants,
    });
    return { decision, state: () => stateOf(ledger, budget, this.#places) };
  }

  #ahead({ queue }: Ledger): number {
    const own = this.#seq ?? Number.POSITIVE_INFINITY;
    return queue.filter(({ seq, stopped }) => seq < own && !stopped).length;
  }

  #say(place: number, state: () => BudgetState): void {
    if (place === this.#place) return;
    this.#place = place;
    this.#request.onPlace?.({ place, wants: this.#wants, budget: state() });
  }

  /** Under the lock only: a number that was given up may belong to somebody else by now. */
  #tidy({ dead }: Ledger): void {
    for (const seq of dead.places) leaveQueue(this.directory, seq);
    for (const unit of dead.units) removeRecord(this.directory, unit);
  }

  #refuseTakenName({ holdings }: Ledger): void {
    const { unit } = this.#record;
    const holding = holdings.find(({ record }) => record.unit === unit);
    if (holding !== undefined) throw nameTaken(unit, holding.record.runner?.pid);
  }

  #queued() {
    const { unit, profile, command, runner } = this.#record;
    return { ...runner, unit, profile, wants: this.#wants, since: Date.now(), command };
  }

  #leaveQueue(): void {
    if (this.#seq !== undefined) leaveQueue(this.directory, this.#seq);
    this.#seq = undefined;
  }
}

/** Signals that end a waiting run, with their numbers: the same on every Linux we run on. */
const ENDING = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 } as const;

/**
 * Gets it in, at once or when it is its turn. A signal ends the wait, and us, as it would have without
 * it: also one that comes between the word that it waits and the waiting.
 */
async function enterInTurn(
  applicant: Applicant,
  ignored: readonly number[],
  pollMs: number,
): Promise<void> {
  const restore = onSignals(ignored, (signal) => {
    applicant.withdraw();
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
  try {
    if (applicant.enter()) return;
    await untilIn(applicant, pollMs);
    // A signal that came meanwhile is heard before it would be lost.
    await new Promise((resolve) => setImmediate(resolve));
  } catch (error) {
    applicant.withdraw();
    throw error;
  } finally {
    restore();
  }
}

function onSignals(ignored: readonly number[], end: (signal: NodeJS.Signals) => void): () => void {
  const listeners = Object.entries(ENDING).map(([name, number]) => {
    const signal = name as keyof typeof ENDING;
    const listener = () => {
      if (!ignored.includes(number)) end(signal);
    };
    process.on(signal, listener);
    return () => process.off(signal, listener);
  });
  return () => {
    for (const remove of listeners) remove();
  };
}

/** Several events make one look. */
const GATHER_MS = 50;

/** Looks whenever a run has come or gone, and from time to time. */
function untilIn(applicant: Applicant, pollMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let soon: NodeJS.Timeout | undefined;
    const look = (): void => {
      clearTimeout(soon);
      soon = undefined;
      try {
        if (!applicant.tryAgain()) return;
        stop();
        resolve();
      } catch (error) {
        stop();
        reject(error);
      }
    };
    const watcher = watchDirectory(applicant.directory, () => {
      soon ??= setTimeout(look, GATHER_MS);
    });
    const poll = setInterval(look, pollMs);
    const stop = (): void => {
      clearInterval(poll);
      clearTimeout(soon);
      watcher?.close();
    };
  });
}

/** Absent where the kernel has no watch to give (fs.inotify.max_user_watches): then we poll. */
function watchDirectory(directory: string, onChange: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(directory, onChange);
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}
