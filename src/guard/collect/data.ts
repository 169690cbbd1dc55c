/** What the guard collects for later analysis: allocations, process memory, available memory. */
import type { MachineSample, ProcessSample } from '../../model/machine-sample.js';
import type { AllocationEvent } from '../allocation/index.js';
import { type CsvValue, csvRecord } from './csv.js';
import { LogFile, type LogFileOptions } from './log-file.js';

/** Columns of the file, in their order. Sizes in bytes, times in milliseconds. */
const COLUMNS = [
  'time',
  /** `allocation`, `process`, `machine`, or what the guard did: `end`, `freeze` … */
  'event',
  'pid',
  'start_ticks',
  'name',
  'allocated',
  'over',
  /** `ebpf` or `sampling`. */
  'source',
  'resident',
  'anonymous',
  'swapped',
  'available',
  'total',
  'swap_free',
  'detail',
] as const;

type Row = Partial<Record<(typeof COLUMNS)[number], CsvValue>>;

/** So many of the largest processes are written down besides those that are watched. */
const LARGEST = 10;
/** Milliseconds between two records of the machine and its processes; events are written as they come. */
const EVERY_MS = 10_000;

/** First line of the file. */
export const DATA_HEADER = csvRecord(COLUMNS);

/** An action of the guard, for the data. */
export interface DataAction {
  event: string;
  pid?: number;
  name?: string;
  detail: string;
}

/** Collects into a file: see `LogFile` for what that does when the disk is full. */
export class DataCollection {
  readonly #file: LogFile;
  readonly #isWatched: (process: ProcessSample) => boolean;
  #last: number | undefined;

  constructor(
    options: Omit<LogFileOptions, 'header'>,
    isWatched: (process: ProcessSample) => boolean,
  ) {
    this.#file = new LogFile({ ...options, header: DATA_HEADER });
    this.#isWatched = isWatched;
  }

  /** Writes down what is new. To be called with each sample. */
  add(
    sample: MachineSample,
    allocations: readonly AllocationEvent[],
    actions: readonly DataAction[] = [],
  ): void {
    const rows = [
      ...allocations.map((event) => allocationRow(event, sample)),
      ...actions.map((action) => ({ ...machineRow(sample), ...action })),
    ];
    if (this.#last === undefined || sample.atMs - this.#last >= EVERY_MS) {
      this.#last = sample.atMs;
      rows.push(...sampleRows(sample, this.#isWatched));
    }
    if (rows.length > 0) this.#file.write(rows.map(record).join(''));
  }

  reopen(): void {
    this.#file.reopen();
  }

  close(): void {
    this.#file.close();
  }
}

function record(row: Row): string {
  return csvRecord(COLUMNS.map((column) => row[column]));
}

/** The machine, and of its processes the watched and the largest. Pure. */
export function sampleRows(
  sample: MachineSample,
  isWatched: (process: ProcessSample) => boolean,
): Row[] {
  const own = sample.processes.filter(({ kernel }) => kernel !== true);
  const largest = [...own].sort((a, b) => b.rss - a.rss).slice(0, LARGEST);
  const chosen = own.filter((process) => largest.includes(process) || isWatched(process));
  return [
    machineRow(sample),
    ...chosen.map(({ pid, startTicks, comm, rss, anon, swap }) => ({
      time: sample.time,
      event: 'process',
      pid,
      start_ticks: startTicks,
      name: comm,
      resident: rss,
      anonymous: anon,
      swapped: swap,
    })),
  ];
}

function allocationRow(event: AllocationEvent, sample: MachineSample): Row {
  const { pid, startTicks, comm, bytes, overMs, source } = event;
  const process = sample.processes.find((each) => each.pid === pid);
  return {
    ...machineRow(sample),
    event: 'allocation',
    pid,
    start_ticks: startTicks,
    name: comm,
    allocated: bytes,
    over: overMs,
    source,
    resident: process?.rss,
    anonymous: process?.anon,
    swapped: process?.swap,
  };
}

function machineRow({ time, memory }: MachineSample): Row {
  const { available, total, swapFree } = memory;
  return { time, event: 'machine', available, total, swap_free: swapFree };
}
