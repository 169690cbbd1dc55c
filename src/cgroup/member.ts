/** Live processes from one file each, /proc/PID/stat, for looks at hundreds of them again and again. */
import { closeSync, openSync, readSync } from 'node:fs';
import { parseField, splitStat } from './process.js';

/** One process of a run, as /proc/PID/stat tells it. */
export interface Member {
  pid: number;
  /** Clock ticks from boot to its start: with the PID it names one process for ever. */
  startTicks: number;
  comm: string;
  /** `Z` is one that has ended and waits to be collected. */
  state: string;
  ppid: number;
  threads: number;
  /** Resident pages, those shared with others included. */
  residentPages: number;
  /** CPU time in ticks: its own, and that of children it has collected. */
  ownTicks: number;
  childTicks: number;
}

/** More than the longest stat there is: a comm has 64 bytes at most, the 52 numbers 20 digits. */
const buffer = Buffer.alloc(2048);

/** Reads one process; absent when it is gone. */
export function readMember(pid: number, proc = '/proc'): Member | undefined {
  const file = StatFile.open(pid, proc);
  const member = file?.read();
  file?.close();
  return member;
}

/**
 * /proc/PID/stat of one process, kept open: opening it costs more than reading it. An open file stays
 * that process's own: when the process is gone, reading fails (ESRCH).
 */
export class StatFile {
  readonly #file: number;
  #text: Buffer | undefined;
  #last: Member | undefined;

  private constructor(file: number) {
    this.#file = file;
  }

  /** Absent where the process is gone, or no more files can be opened. */
  static open(pid: number, proc = '/proc'): StatFile | undefined {
    try {
      return new StatFile(openSync(`${proc}/${pid}/stat`, 'r'));
    } catch {
      return undefined;
    }
  }

  /** The process as it is now, and the same object as before where nothing changed; absent when gone. */
  read(): Member | undefined {
    try {
      const length = readSync(this.#file, buffer, 0, buffer.length, 0);
      const text = buffer.subarray(0, length);
      // What sleeps says the same as before, and needs no parsing.
      if (this.#text?.equals(text)) return this.#last;
      this.#text = Buffer.from(text);
      this.#last = parseMember(text.toString('latin1'));
      return this.#last;
    } catch {
      return undefined;
    }
  }

  close(): void {
    try {
      closeSync(this.#file);
    } catch {
      // It was ours to close, and nothing depends on it.
    }
  }
}

/**
 * Reads /proc/PID/stat, read as latin1. The numbers are those of the fields in proc(5).
 */
export function parseMember(text: string): Member | undefined {
  const { comm, fields } = splitStat(text) ?? {};
  if (comm === undefined || fields === undefined) return undefined;
  const field = (number: number) => parseField(fields[number - 3]);
  const member = {
    pid: parseField(/^\d+(?= \()/.exec(text)?.[0]),
    comm: Buffer.from(comm, 'latin1').toString(),
    state: fields[0] ?? '',
    ppid: field(4),
    ownTicks: field(14) + field(15),
    childTicks: field(16) + field(17),
    threads: field(20),
    startTicks: field(22),
    residentPages: field(24),
  };
  const figures = Object.values(member).filter((value) => typeof value === 'number');
  return figures.every(Number.isSafeInteger) ? member : undefined;
}
