import { setTimeout as sleep } from 'node:timers/promises';
import { CGROUP_ROOT } from '../cgroup/index.js';
import { stalledFinding } from '../inspect/stall.js';
import type { Finding, OnStall } from '../model/index.js';
import { type BreakOptions, breakStall, type StallBreak } from './break.js';
import { type Look, type UnitLook, unitLook } from './look.js';
import { ownCpuMs, Pacer } from './pacer.js';
import { type ProcessLook, ProcessWatch } from './processes.js';
import { rates } from './rates.js';
import { readFreeSwap, readSample, type Sample } from './sample.js';
import { canStall, type Stall, StallWatch } from './stall.js';
import { type EndedUnit, type FinderOptions, UnitFinder, type WatchedUnit } from './units.js';

export interface WatchOptions extends FinderOptions {
  /** Whether to break stalls, and how it is told for a unit. */
  onStall?: (unit: WatchedUnit) => Promise<OnStall>;
  proc?: string;
  /** What else the breaking of stalls is to know. */
  breaking?: Pick<BreakOptions, 'kill' | 'ask'>;
}

/** What is kept of a unit between two looks. */
interface Watched {
  stalls: StallWatch;
  stall?: Stall;
  /** How often its stalls were looked for, and since when. */
  sinceMs: number;
  sample?: Sample;
  /** The sample of the last look, which rates are reckoned from. */
  shown?: Sample;
  processes?: ProcessWatch;
  largest: ProcessLook[];
  /** A stall that could not be broken is not tried again before it is over. */
  gaveUp: boolean;
}

/** Samples all units, notices stalls, and breaks them where that is asked for. */
export class Watcher {
  readonly #options: WatchOptions;
  readonly #finder: UnitFinder;
  readonly #watched = new Map<string, Watched>();
  readonly #listing = new Pacer();
  #ended: EndedUnit[] = [];
  #breaks: StallBreak[] = [];
  #stalled = '';

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#finder = new UnitFinder(options);
  }

  /**
   * Finds the units.
   * @throws {UnavailableError} when there is no user manager
   * @throws {UnknownNameError} for a name that stands for no unit
   */
  start(nowMs: number): Promise<void> {
    return this.#finder.start(nowMs);
  }

  /** Whether there is nothing left to wait for: some were named, and all of them have ended. */
  get isOver(): boolean {
    return this.#options.names.length > 0 && this.#finder.units.length === 0;
  }

  /**
   * Takes a sample of each unit; at most three seconds apart they show stalls in time.
   * @returns whether there is news that should not wait: a stall, or the end of one
   */
  async sample(nowMs: number): Promise<boolean> {
    const ended = await this.#finder.refresh(nowMs);
    this.#ended.push(...ended);
    for (const { unit } of ended) this.#watched.delete(unit);
    const freeSwap = readFreeSwap(this.#options.proc);
    const root = this.#options.root ?? CGROUP_ROOT;
    for (const unit of this.#finder.units) {
      const watched = this.#of(unit.unit, nowMs);
      const sample =
        unit.cgroup === undefined
          ? undefined
          : readSample(unit.cgroup, nowMs, {
              root,
              ...(freeSwap === undefined ? {} : { freeSwap }),
            });
      setOrDelete(watched, 'sample', sample);
      setOrDelete(watched, 'stall', sample && watched.stalls.add(sample));
      if (watched.stall === undefined) watched.gaveUp = false;
      else await this.#break(unit, watched);
    }
    return this.#hasNews();
  }

  /** What there is to show since the last call. */
  look(nowMs: number, time = Date.now()): Look {
    this.#list(nowMs);
    const look = {
      time: new Date(time).toISOString(),
      units: this.#finder.units.map((unit) => this.#lookAt(unit, nowMs)),
      ended: this.#ended,
      breaks: this.#breaks,
    };
    this.#ended = [];
    this.#breaks = [];
    return look;
  }

  /** Units of which it is not known yet whether they are stalled. */
  undecided(nowMs: number): string[] {
    return this.#finder.units.flatMap(({ unit }) => {
      const { sample, sinceMs, stall } = this.#of(unit, nowMs);
      const isSure = stall !== undefined || nowMs - sinceMs >= SURE_MS;
      return sample === undefined || !canStall(sample) || isSure ? [] : [unit];
    });
  }

  #of(unit: string, nowMs: number): Watched {
    const known = this.#watched.get(unit);
    if (known !== undefined) return known;
    const fresh = { stalls: new StallWatch(), sinceMs: nowMs, largest: [], gaveUp: false };
    this.#watched.set(unit, fresh);
    return fresh;
  }

  async #break(unit: WatchedUnit, watched: Watched): Promise<void> {
    const { onStall, breaking = {}, root, proc } = this.#options;
    if (onStall === undefined || watched.gaveUp || unit.cgroup === undefined) return;
    const runner = unit.record?.runner?.pid;
    const done = await breakStall(unit.unit, unit.cgroup, await onStall(unit), {
      manager: unit.manager,
      ...(runner === undefined ? {} : { spare: [runner] }),
      ...(root === undefined ? {} : { root }),
      ...(proc === undefined ? {} : { proc }),
      ...breaking,
    });
    this.#breaks.push(done);
    if (done.done) watched.stalls.reset();
    else watched.gaveUp = true;
  }

  #hasNews(): boolean {
    const stalled = this.#finder.units
      .filter(({ unit }) => this.#watched.get(unit)?.stall !== undefined)
      .map(({ unit }) => unit)
      .join();
    const hasChanged = stalled !== this.#stalled;
    this.#stalled = stalled;
    return hasChanged || this.#ended.length + this.#breaks.length > 0;
  }

  /** Lists processes, for all units together no oftener than the cost allows. */
  #list(nowMs: number): void {
    if (!this.#listing.isDue(nowMs)) return;
    const before = ownCpuMs();
    const { root = CGROUP_ROOT, proc = '/proc' } = this.#options;
    for (const { unit, cgroup } of this.#finder.units) {
      const watched = this.#of(unit, nowMs);
      if (cgroup === undefined) continue;
      watched.processes ??= new ProcessWatch(cgroup, { root, proc });
      watched.largest = watched.processes.look(nowMs);
    }
    this.#listing.took(ownCpuMs() - before, nowMs);
  }

  #lookAt(unit: WatchedUnit, nowMs: number): UnitLook {
    const watched = this.#of(unit.unit, nowMs);
    const { sample, shown, stall, largest } = watched;
    setOrDelete(watched, 'shown', sample);
    return unitLook(unit, {
      ...(sample === undefined ? {} : { sample }),
      ...(sample && shown ? { rates: rates(shown, sample) } : {}),
      processes: sample === undefined ? [] : largest,
      findings: stall === undefined ? [] : [findingOf(stall, unit)],
    });
  }
}

/** After this time without a stall there is none. */
const SURE_MS = 9000;

/** Samples are taken at least this often: a stall is to be noticed within 15 seconds. */
const SAMPLE_MS = 3000;

/**
 * Watches units, look by look: the first at once, and then one an interval; a stall, its breaking
 * and the end of a unit are not waited with. Ends when all units that were named have ended, or
 * when it is told to.
 * @throws {UnavailableError} when there is no user manager
 * @throws {UnknownNameError} for a name that stands for no unit
 */
export async function* watch(
  options: WatchOptions & { intervalMs: number; signal: AbortSignal },
): AsyncGenerator<Look> {
  const { intervalMs, signal } = options;
  const watcher = new Watcher(options);
  try {
    await watcher.start(performance.now());
  } catch (error) {
    // Ctrl-C reaches systemctl as well.
    if (signal.aborted) return;
    throw error;
  }
  for (let dueMs = performance.now(); !signal.aborted; ) {
    const nowMs = performance.now();
    const hasNews = await watcher.sample(nowMs);
    if (signal.aborted) return;
    if (nowMs >= dueMs || hasNews) {
      yield watcher.look(nowMs);
      // What is late is not made up for.
      while (dueMs <= performance.now()) dueMs += intervalMs;
    }
    if (watcher.isOver) return;
    await pause(Math.min(dueMs - performance.now(), SAMPLE_MS), signal);
  }
}

/** What came of looking for stalls; also what `inspect --break-stall --json` prints. */
export interface StallReport {
  units: { unit: string; stalled: boolean; finding?: Finding; broken?: StallBreak }[];
}

/** Looks long enough to be sure whether units are stalled, and breaks the stalls. */
export async function breakStalls(
  options: WatchOptions & { onStall: NonNullable<WatchOptions['onStall']> },
): Promise<StallReport> {
  const watcher = new Watcher(options);
  await watcher.start(performance.now());
  const report = new Map<string, StallReport['units'][number]>();
  for (;;) {
    const nowMs = performance.now();
    await watcher.sample(nowMs);
    note(watcher.look(nowMs), report);
    if (watcher.undecided(nowMs).length === 0) return { units: [...report.values()] };
    await sleep(1000);
  }
}

function note({ units, breaks }: Look, report: Map<string, StallReport['units'][number]>): void {
  for (const { unit, findings } of units) {
    const [finding] = findings;
    if (finding !== undefined) report.set(unit, { unit, stalled: true, finding });
    else if (!report.has(unit)) report.set(unit, { unit, stalled: false });
  }
  for (const broken of breaks) {
    const known = report.get(broken.unit) ?? { unit: broken.unit };
    report.set(broken.unit, { ...known, stalled: true, broken });
  }
}

function findingOf(stall: Stall, { unit, manager }: WatchedUnit): Finding {
  return stalledFinding(stall, { unit, system: manager === 'system' });
}

/** Waits, but not for longer than anybody wants to know. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.max(0, ms), undefined, { signal }).catch(() => {});
}

function setOrDelete<T, Key extends keyof T>(target: T, key: Key, value: T[Key] | undefined): void {
  if (value === undefined) delete target[key];
  else target[key] = value;
}
