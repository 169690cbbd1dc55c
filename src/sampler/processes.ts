/** All processes, cheaply: one small file each, kept open, and more only of those that matter. */
import { readdirSync, readSync } from 'node:fs';
import { readPageSize } from '../cgroup/index.js';
import type { ProcessSample } from '../model/index.js';
import { present } from '../watch/present.js';
import { closeQuietly, type Descriptors, openQuietly } from './kept-file.js';
import { DetailReader, type Details, type MachineFacts, shownOf } from './process-details.js';
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
  bytes: Buffer;
  stat: ProcessStat;
  details: Details | undefined;
  sample: ProcessSample;
  /** The sample it was last seen in. */
  turn: number;
}

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

  constructor({ proc, descriptors, details }: ProcessReaderOptions) {
    this.#proc = proc;
    this.#descriptors = descriptors;
    this.#most = details;
    this.#pageSize = readPageSize(proc);
    this.#details = new DetailReader(proc, this.#pageSize);
  }

  /**
   * @param seconds since the reading before; absent in the first one
   * @param facts what of the machine decides which details are worth their reading
   */
  read(seconds: number | undefined, facts: MachineFacts): ProcessSample[] {
    this.#turn += 1;
    const seen: Tracked[] = [];
    for (const pid of this.#pids()) {
      const tracked = this.#look(pid, seconds);
      if (tracked !== undefined) seen.push(tracked);
    }
    this.#forgetGone();
    for (const each of this.#thatMatter(seen)) this.#detail(each, seconds, facts);
    return seen.map(({ sample }) => sample);
  }

  close(): void {
    for (const tracked of this.#tracked.values()) this.#closeFile(tracked);
    this.#tracked.clear();
  }

  #pids(): number[] {
    try {
      return readdirSync(this.#proc)
        .map(Number)
        .filter((pid) => pid > 0);
    } catch {
      return [];
    }
  }

  #look(pid: number, seconds: number | undefined): Tracked | undefined {
    if (this.#kernel.has(pid)) {
      // PIDs come round; in turns, since there are hundreds on a large machine.
      if ((pid + this.#turn) % KERNEL_TURNS !== 0) return undefined;
      this.#kernel.delete(pid);
    }
    const before = this.#tracked.get(pid);
    const length = this.#readStat(pid, before);
    if (length === undefined) return undefined;
    if (before !== undefined && isSame(before.bytes, length)) return this.#unchanged(before);
    const stat = parseStatBytes(buffer, length);
    if (stat === undefined || 'ZX'.includes(stat.state)) return undefined;
    if (stat.kernel) {
      this.#kernel.add(pid);
      return undefined;
    }
    return this.#note(stat, length, seconds);
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
    tracked.turn = this.#turn;
    const { sample } = tracked;
    if (sample.cores !== 0 || sample.growth !== 0) {
      tracked.sample = { ...sample, cores: 0, growth: 0 };
    }
    tracked.file ??= this.#keepOpen(tracked.stat.pid);
    return tracked;
  }

  #note(stat: ProcessStat, length: number, seconds: number | undefined): Tracked {
    const { pid } = stat;
    const known = this.#tracked.get(pid);
    const before = known?.stat.startTicks === stat.startTicks ? known : undefined;
    if (known !== undefined && before === undefined) this.#closeFile(known);
    const tracked: Tracked = {
      // One that is seen for the first time may be gone by the next.
      file: before === undefined ? undefined : (before.file ?? this.#keepOpen(pid)),
      bytes: Buffer.from(buffer.subarray(0, length)),
      stat,
      details: before?.details,
      sample: this.#sampleOf(stat, before, seconds),
      turn: this.#turn,
    };
    this.#tracked.set(pid, tracked);
    return tracked;
  }

  #sampleOf(
    stat: ProcessStat,
    before: Tracked | undefined,
    seconds: number | undefined,
  ): ProcessSample {
    const { pid, startTicks, ppid, comm, cpuTicks } = stat;
    const rss = stat.residentPages * this.#pageSize;
    const sample = { pid, startTicks, ppid, comm, rss };
    if (before === undefined || seconds === undefined) return sample;
    const cores = Math.max(0, cpuTicks - before.stat.cpuTicks) / TICKS_PER_SECOND / seconds;
    return { ...sample, cores, growth: (rss - before.sample.rss) / seconds };
  }

  /** The largest, what they have swapped out included, and those that used most of the processors. */
  #thatMatter(seen: readonly Tracked[]): Iterable<Tracked> {
    if (this.#most >= seen.length) return seen;
    const bySize = [...seen].sort((a, b) => sizeOf(b) - sizeOf(a)).slice(0, this.#most);
    const busy = seen.filter(({ sample }) => (sample.cores ?? 0) >= LEAST_CORES);
    const byCores = busy
      .sort((a, b) => (b.sample.cores ?? 0) - (a.sample.cores ?? 0))
      .slice(0, Math.ceil(this.#most / 4));
    return new Set([...bySize, ...byCores]);
  }

  #detail(tracked: Tracked, seconds: number | undefined, facts: MachineFacts): void {
    const { stat, sample, details: before } = tracked;
    const isAsleep = sample.cores === 0 && sample.growth === 0;
    const details = this.#details.read(stat, before, { ...facts, isAsleep, turn: this.#turn });
    if (details === before) return;
    tracked.details = details;
    const growth =
      seconds === undefined || before?.anon === undefined || details.anon === undefined
        ? undefined
        : (details.anon - before.anon) / seconds;
    tracked.sample = { ...sample, ...shownOf(details), ...present({ growth }) };
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

/** Less than this part of a core is not worth looking closer at. */
const LEAST_CORES = 0.01;

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

function isSame(bytes: Buffer, length: number): boolean {
  return bytes.length === length && buffer.compare(bytes, 0, length, 0, length) === 0;
}
