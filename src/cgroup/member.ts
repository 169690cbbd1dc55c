/** Live processes from one file each, /proc/PID/stat, for looks at hundreds of them again and again. */
import { closeSync, openSync, readSync } from 'node:fs';

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
 * Fields 3 to 24 of proc(5). Those that are not read may be negative, or beyond 2^53. One expression,
 * since hundreds are read at each look: to split them all takes four times as long.
 */
const FIELDS =
  /^(\S) (\d+) (?:\S+ ){9}(\d+) (\d+) (\d+) (\d+) \S+ \S+ (\d+) \S+ (\d+) \S+ (\d+)(?:\s|$)/;
const ASCII = /^[\0-\x7f]*$/;

/** Reads /proc/PID/stat, read as latin1. */
export function parseMember(text: string): Member | undefined {
  const pid = /^\d+(?= \()/.exec(text)?.[0];
  // comm may hold blanks and brackets, so the last bracket ends it.
  const close = text.lastIndexOf(') ');
  const found = FIELDS.exec(text.slice(close + 2));
  if (pid === undefined || close < pid.length || found === null) return undefined;
  const [, state = '', ...figures] = found;
  const [ppid = 0, user = 0, system = 0, childUser = 0, childSystem = 0, ...rest] =
    figures.map(Number);
  const [threads = 0, startTicks = 0, residentPages = 0] = rest;
  const comm = text.slice(pid.length + 2, close);
  const member = {
    pid: Number(pid),
    comm: ASCII.test(comm) ? comm : Buffer.from(comm, 'latin1').toString(),
    state,
    ppid,
    ownTicks: user + system,
    childTicks: childUser + childSystem,
    threads,
    startTicks,
    residentPages,
  };
  const { ownTicks, childTicks } = member;
  const all = [member.pid, ppid, ownTicks, childTicks, threads, startTicks, residentPages];
  return all.every(Number.isSafeInteger) ? member : undefined;
}
