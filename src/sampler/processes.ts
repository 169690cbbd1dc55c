/** All processes, cheaply: one small file each, kept open, and more only of those that matter. */
import { readdirSync, readSync } from 'node:fs';
import { readPageSize } from '../cgroup/index.js';
import type { ProcessSample } from '../model/index.js';
import { closeQuietly, type Descriptors, LastBytes, openQuietly } from './kept-file.js';
import { largest } from './largest.js';
import { DetailReader, type Details, type MachineFacts, show } from './process-details.js';
import { type ProcessStat, parseStatBytes } from './stat.js';

/** More than the longest stat: a comm has 64 bytes at most, each of the 52 numbers 20 digits. */
const buffer = Buffer.alloc(2048);

/** Threads of the kernel are looked at every so many samples, whether they still are what they were. */
const KERNEL_TURNS = 16;

/** USER_HZ: /proc counts time in hundredths of a second on every Linux there is (proc(5)). */
const TICKS_PER_SECOND = 100;

/** One process from sample to sample. */
interface Tracked {
  file: number | undefined;
  last: LastBytes;
  stat: ProcessStat;
  details: Details | undefined;
  /** Made anew for each change: an earlier one may still be looked at. */
  sample: ProcessSample;
  /** The sample it was last seen in, and when its stat was last read. */
  turn: number;
  readMs: number;
  /** Readings in a row that told nothing new. */
  still: number;
}

/**
 * What has told nothing new so many times is read only every so many samples, as long as the machine
 * has its memory: on most machines nearly all processes wait for something.
 */
const STILL = 4;
const STILL_TURNS = 8;
/** And what has been so for long still more seldom. */
const LONG_STILL = 12;
const LONG_STILL_TURNS = 16;

/**
 * What others may change of a process, or it seldom does (cgroup, user, scores), is read anew every so
 * many samples, not of all in the same one: of those that sleep on a calm machine, and of others. Where
 * memory is short, so many of the largest are known as they are: one of them may have to be ended.
 */
const FACT_TURNS = { calm: 32, else: 8 } as const;
const FRESH = 16;

/** Less than this part of a core is not worth looking closer at. */
const LEAST_CORES = 0.01;

export interface ProcessReaderOptions {
  proc: string;
  descriptors: Descriptors;
  /** How many processes are told of in detail: the largest, and the busiest. */
  details: number;
}

/**
 * Reads the processes that there are. Threads of the kernel and zombies are left out: neither has
 * memory to give back.
 */
export class ProcessReader {
  readonly #proc: string;
  readonly #descriptors: Descriptors;
  readonly #most: number;
  readonly #pageSize: number;
  readonly #details: DetailReader;
  readonly #tracked = new Map<number, Tracked>();
  readonly #kernel = new Set<number>();
  #turn = 0;
  #atMs = 0;

  constructor({ proc, descriptors, details }: ProcessReaderOptions) {
    this.#proc = proc;
    this.#descriptors = descriptors;
    this.#most = details;
    this.#pageSize = readPageSize(proc);
    this.#details = new DetailReader(proc, this.#pageSize, Number.isFinite(details));
  }

  /**
   * @param atMs on the clock that rates are by
   * @param facts what of the machine decides which details are worth their reading
   */
  read(atMs: number, facts: MachineFacts): ProcessSample[] {
    this.#turn += 1;
    this.#atMs = atMs;
    const seen: Tracked[] = [];
    for (const name of this.#names()) {
      const pid = Number(name);
      const tracked = pid > 0 ? this.#look(pid, facts.isCalm) : undefined;
      if (tracked !== undefined) seen.push(tracked);
    }
    if (seen.length < this.#tracked.size) this.#forgetGone();
    this.#readDetails(seen, facts);
    return seen.map(({ sample }) => sample);
  }

  close(): void {
    for (const tracked of this.#tracked.values()) this.#closeFile(tracked);
    this.#tracked.clear();
  }

  #names(): string[] {
    try {
      return readdirSync(this.#proc);
    } catch {
      return [];
    }
  }

  #look(pid: number, isCalm: boolean): Tracked | undefined {
    const before = this.#tracked.get(pid);
    if (before !== undefined) {
      if (isCalm && before.still >= STILL && !this.#isTurnOf(pid, turnsOf(before))) {
        before.turn = this.#turn;
        return before;
      }
    } else if (this.#kernel.has(pid)) {
      // PIDs come round; in turns, since there are hundreds on a large machine.
      if (!this.#isTurnOf(pid, KERNEL_TURNS)) return undefined;
      this.#kernel.delete(pid);
    }
    const length = this.#readStat(pid, before);
    if (length === undefined) return undefined;
    if (before?.last.is(buffer, length)) return this.#unchanged(before);
    const stat = parseStatBytes(buffer, length);
    if (stat === undefined || 'ZX'.includes(stat.state)) return undefined;
    if (stat.kernel) {
      this.#kernel.add(pid);
      return undefined;
    }
    return this.#note(stat, length);
  }

  #isTurnOf(pid: number, turns: number): boolean {
    return (pid + this.#turn) % turns === 0;
  }

  /** Bytes of its stat, now in `buffer`. */
  #readStat(pid: number, before: Tracked | undefined): number | undefined {
    if (before?.file !== undefined) {
      const length = readOnce(before.file);
      if (length !== undefined) return length;
      // That process has ended: whoever has its PID now is another one.
      this.#closeFile(before);
    }
    const file = openQuietly(`${this.#proc}/${pid}/stat`);
    if (file === undefined) return undefined;
    const length = readOnce(file);
    closeQuietly(file);
    return length;
  }

  /** It has neither run nor grown. */
  #unchanged(tracked: Tracked): Tracked {
    const { sample, details, readMs } = tracked;
    // What was told of its memory still holds.
    if (details?.atMs === readMs) details.atMs = this.#atMs;
    tracked.turn = this.#turn;
    tracked.readMs = this.#atMs;
    tracked.still += 1;
    if (sample.cores !== 0 || sample.growth !== 0) {
      tracked.sample = { ...sample, cores: 0, growth: 0 };
    }
    tracked.file ??= this.#keepOpen(tracked.stat.pid);
    return tracked;
  }

  #note(stat: ProcessStat, length: number): Tracked {
    const { pid } = stat;
    const known = this.#tracked.get(pid);
    const before = known?.stat.startTicks === stat.startTicks ? known : undefined;
    if (known !== undefined && before === undefined) this.#closeFile(known);
    const last = before?.last ?? new LastBytes();
    last.take(buffer, length);
    const tracked: Tracked = {
      // One that is seen for the first time may be gone by the next.
      file: before === undefined ? undefined : (before.file ?? this.#keepOpen(pid)),
      last,
      stat,
      details: before?.details,
      sample: this.#sampleOf(stat, before),
      turn: this.#turn,
      readMs: this.#atMs,
      still: 0,
    };
    this.#tracked.set(pid, tracked);
    return tracked;
  }

  #sampleOf(stat: ProcessStat, before: Tracked | undefined): ProcessSample {
    const { pid, startTicks, ppid, comm, cpuTicks } = stat;
    const rss = stat.residentPages * this.#pageSize;
    const sample: ProcessSample = { pid, startTicks, ppid, comm, rss };
    const seconds = before === undefined ? 0 : (this.#atMs - before.readMs) / 1000;
    if (before === undefined || seconds <= 0) return sample;
    sample.cores = Math.max(0, cpuTicks - before.stat.cpuTicks) / TICKS_PER_SECOND / seconds;
    sample.growth = (rss - before.sample.rss) / seconds;
    return sample;
  }

  #readDetails(seen: readonly Tracked[], facts: MachineFacts): void {
    const isAll = this.#most >= seen.length;
    const fresh = new Set(isAll && !facts.isCalm ? largest(seen, FRESH, sizeOf) : []);
    for (const each of isAll ? seen : this.#thatMatter(seen)) {
      const { details, stat, sample } = each;
      const isAsleep = sample.cores === 0 && sample.growth === 0;
      const isDue =
        details?.comm !== stat.comm ||
        fresh.has(each) ||
        this.#isTurnOf(stat.pid, FACT_TURNS[isAsleep && facts.isCalm ? 'calm' : 'else']);
      if (isDue || !isAsleep) this.#detail(each, facts, isDue);
    }
  }

  /** The largest, what they have swapped out included, and those that used most of the processors. */
  #thatMatter(seen: readonly Tracked[]): Iterable<Tracked> {
    const bySize = largest(seen, this.#most, sizeOf);
    const busy = seen.filter(({ sample }) => (sample.cores ?? 0) >= LEAST_CORES);
    const byCores = largest(busy, Math.ceil(this.#most / 4), ({ sample }) => sample.cores ?? 0);
    return new Set([...bySize, ...byCores]);
  }

  #detail(tracked: Tracked, { hasSwap, isCalm }: MachineFacts, withFacts: boolean): void {
    const { stat, details: before } = tracked;
    const atMs = this.#atMs;
    const isAsleep = tracked.still > 0 && before?.atMs === tracked.readMs;
    const moment = { hasSwap, isCalm, isAsleep, atMs, withFacts };
    const details = this.#details.read(stat, before, moment);
    tracked.details = details;
    const sample = { ...tracked.sample };
    show(details, sample);
    // Of anonymous memory: what a file that is read adds to rss is none.
    const seconds = (atMs - (before?.atMs ?? atMs)) / 1000;
    if (seconds > 0 && before?.anon !== undefined && details.anon !== undefined) {
      sample.growth = (details.anon - before.anon) / seconds;
    }
    tracked.sample = sample;
  }

  #forgetGone(): void {
    for (const [pid, tracked] of this.#tracked) {
      if (tracked.turn === this.#turn) continue;
      this.#closeFile(tracked);
      this.#tracked.delete(pid);
    }
  }

  #keepOpen(pid: number): number | undefined {
    if (!this.#descriptors.take()) return undefined;
    const file = openQuietly(`${this.#proc}/${pid}/stat`);
    if (file === undefined) this.#descriptors.release();
    return file;
  }

  #closeFile(tracked: Tracked): void {
    if (tracked.file === undefined) return;
    closeQuietly(tracked.file);
    tracked.file = undefined;
    this.#descriptors.release();
  }
}

function turnsOf({ still }: Tracked): number {
  return still >= LONG_STILL ? LONG_STILL_TURNS : STILL_TURNS;
}

function sizeOf({ sample, details }: Tracked): number {
  return sample.rss + (details?.swap ?? 0);
}

/** The bytes of a stat, now in `buffer`; undefined where its process has ended (ESRCH). */
function readOnce(file: number): number | undefined {
  try {
    return readSync(file, buffer, 0, buffer.length, 0);
  } catch {
    return undefined;
  }
}
