/**
 * Who takes memory fast: told by the kernel through bpftrace, and where that is not to be had by the
 * samples of the machine.
 */
import { isNamed } from '../../cgroup/index.js';
import type { MachineSample, ProcessSample } from '../../model/machine-sample.js';
import { type SeenGrowth, startTracer, type Tracer, type TracerOptions } from './tracer.js';

/** A process took more than the threshold within a second. */
export interface AllocationEvent {
  pid: number;
  /** Absent for one that was gone before anybody could look. */
  startTicks?: number;
  /** Its comm; hostile until printable(). */
  comm?: string;
  argv0?: string;
  /** Memory that it touched, in bytes, and in how many milliseconds. */
  bytes: number;
  overMs: number;
  source: 'ebpf' | 'sampling';
}

/** How allocations are watched at this moment, and where it is not by eBPF, why. */
export type AllocationSource = { kind: 'ebpf' } | { kind: 'sampling'; reason: string };

export interface AllocationOptions extends TracerOptions {
  /** Exact names of the processes that are watched, or all of them. */
  names: readonly string[] | 'all';
}

export interface AllocationWatch {
  source(): AllocationSource;
  /**
   * The events since the last question. To be asked with each sample: where there is no eBPF they are
   * found in it.
   */
  take(sample: Pick<MachineSample, 'atMs' | 'processes'>): AllocationEvent[];
  /** News that came too fast to be told, since the beginning. */
  lost(): number;
  stop(): Promise<void>;
}

/** Begins to watch. Until bpftrace has begun, and when it has ended, samples are what is looked at. */
export function watchAllocations(
  options: AllocationOptions,
  tracer: Tracer = startTracer(options),
): AllocationWatch {
  const { names, thresholdBytes } = options;
  const samples = new SampledGrowth(thresholdBytes);
  let lost = 0;
  return {
    source: () => sourceOf(tracer),
    take: (sample) => {
      const news = tracer.take();
      lost += news.lost;
      const traced = eventsOfTrace(news.seen, sample.processes, names);
      // Looked at in any case, so that the first one after the end of bpftrace has one before it.
      const sampled = samples.look(sample, names);
      if (tracer.state().kind === 'tracing') return traced;
      const told = new Set(traced.map(({ pid }) => pid));
      return [...traced, ...sampled.filter(({ pid }) => !told.has(pid))];
    },
    lost: () => lost,
    stop: () => tracer.stop(),
  };
}

function sourceOf(tracer: Tracer): AllocationSource {
  const state = tracer.state();
  if (state.kind === 'tracing') return { kind: 'ebpf' };
  return {
    kind: 'sampling',
    reason: state.kind === 'starting' ? 'bpftrace is starting' : state.reason,
  };
}

/** What the kernel told, of watched processes; of one that was told twice the larger. Pure. */
export function eventsOfTrace(
  seen: readonly SeenGrowth[],
  processes: readonly ProcessSample[],
  names: readonly string[] | 'all',
): AllocationEvent[] {
  const events = new Map<number, AllocationEvent>();
  for (const { pid, bytes, overMs, process } of seen) {
    const who = process ?? processes.find((candidate) => candidate.pid === pid);
    if (!isWatched(who, names)) continue;
    if ((events.get(pid)?.bytes ?? 0) >= bytes) continue;
    events.set(pid, { pid, bytes, overMs, source: 'ebpf', ...nameOf(who) });
  }
  return [...events.values()];
}

/** What a process has taken since the beginning of its window. */
interface Window {
  startTicks: number;
  sinceMs: number;
  bytes: number;
}

/**
 * What samples tell. Their growth is a rate, and they come more often while memory is short: what it
 * amounts to is added up over a second, or over the time between two samples where that is more. It holds
 * as much as a sample has processes.
 */
export class SampledGrowth {
  readonly #thresholdBytes: number;
  #windows = new Map<number, Window>();
  #lastMs: number | undefined;

  constructor(thresholdBytes: number) {
    this.#thresholdBytes = thresholdBytes;
  }

  /** The watched processes that this sample shows to be over the threshold, each once a window. */
  look(
    { atMs, processes }: Pick<MachineSample, 'atMs' | 'processes'>,
    names: readonly string[] | 'all',
  ): AllocationEvent[] {
    const lastMs = this.#lastMs ?? atMs;
    const windows = new Map<number, Window>();
    const events: AllocationEvent[] = [];
    for (const process of processes) {
      const { pid, startTicks, growth } = process;
      const known = this.#windows.get(pid);
      // Nearly all sleep.
      if (growth === undefined || (growth === 0 && known === undefined)) continue;
      if (!isWatched(process, names)) continue;
      const fresh = { startTicks, sinceMs: lastMs, bytes: 0 };
      const before = known?.startTicks === startTicks ? known : fresh;
      const bytes = Math.max(0, before.bytes + (growth * (atMs - lastMs)) / 1000);
      const overMs = atMs - before.sinceMs;
      const isOver = bytes > this.#thresholdBytes * Math.max(1, overMs / WINDOW_MS);
      if (isOver) events.push(sampledEvent(process, bytes, overMs));
      const isDone = isOver || overMs >= WINDOW_MS;
      if (!isDone) windows.set(pid, { ...before, bytes });
    }
    this.#windows = windows;
    this.#lastMs = atMs;
    return events;
  }
}

const WINDOW_MS = 1000;

function sampledEvent(process: ProcessSample, bytes: number, overMs: number): AllocationEvent {
  return {
    pid: process.pid,
    bytes: Math.round(bytes),
    overMs: Math.round(overMs),
    source: 'sampling',
    ...nameOf(process),
  };
}

type Named = Pick<ProcessSample, 'pid' | 'comm' | 'argv0' | 'startTicks'>;

/** One whose name nobody knows any more is watched only where all are. */
function isWatched(process: Named | undefined, names: readonly string[] | 'all'): boolean {
  if (names === 'all') return true;
  return process !== undefined && names.some((name) => isNamed(process, name));
}

function nameOf(process: Named | undefined): Partial<AllocationEvent> {
  if (process === undefined) return {};
  const { comm, argv0, startTicks } = process;
  return { comm, startTicks, ...(argv0 === undefined ? {} : { argv0 }) };
}
