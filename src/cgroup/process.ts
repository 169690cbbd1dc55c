import { readFileSync } from 'node:fs';
import { isGone } from './read.js';
import { cgroupOf } from './tree.js';

/** A live process, as /proc tells it. */
export interface Process {
  pid: number;
  /** /proc/PID/comm: at most 15 bytes, and the process may set it. */
  comm: string;
  /** First argument, as the process shows it; absent where it shows none (a kernel thread). */
  argv0?: string;
  /** Clock ticks from boot to its start: with the PID it names one process for ever. */
  startTicks: number;
  /** Resident memory in bytes, pages shared with others included. */
  memory?: number;
  /** CPU time used, in µs. */
  cpuUsec: number;
  /** Path of its cgroup. */
  cgroup: string;
}

/** USER_HZ: /proc counts time in hundredths of a second on every Linux there is (proc(5)). */
export const USEC_PER_TICK = 10_000;

/** Reads one process; absent when it is gone, or a zombie, which only waits to be collected. */
export function readProcess(pid: number, proc = '/proc'): Process | undefined {
  const stat = readProcFile(pid, 'stat', proc);
  if (stat === undefined) return undefined;
  // Without a cgroup v2 tree no line tells.
  const cgroup = cgroupOf(pid, proc) ?? '/';
  const fields = parseStat(stat);
  if (fields === undefined || 'ZX'.includes(fields.state)) return undefined;
  const memory = residentMemory(readProcFile(pid, 'status', proc) ?? '');
  const argv0 = readProcFile(pid, 'cmdline', proc)?.split('\0')[0];
  return {
    pid,
    comm: fields.comm,
    ...(argv0 ? { argv0 } : {}),
    startTicks: fields.startTicks,
    ...(memory === undefined ? {} : { memory }),
    cpuUsec: fields.cpuTicks * USEC_PER_TICK,
    cgroup,
  };
}

/** Tells whether a process still lives, and is not another one that was given its PID. */
export function isAlive({ pid, startTicks }: Pick<Process, 'pid' | 'startTicks'>, proc = '/proc') {
  return readStart(pid, proc)?.startTicks === startTicks;
}

/** What one file tells of a process: /proc/PID/stat. */
export interface Glance {
  pid: number;
  comm: string;
  startTicks: number;
  cpuUsec: number;
  /** Resident memory in pages of the machine, by a count that may lag: for putting in order. */
  residentPages: number;
}

/**
 * Reads what is cheap to know of a process, for looks at hundreds of them. Absent when it is gone, or
 * a zombie.
 */
export function glanceAt(pid: number, proc = '/proc'): Glance | undefined {
  const fields = parseStat(readProcFile(pid, 'stat', proc) ?? '');
  if (fields === undefined || 'ZX'.includes(fields.state)) return undefined;
  const { comm, startTicks, cpuTicks, residentPages } = fields;
  return { pid, comm, startTicks, cpuUsec: cpuTicks * USEC_PER_TICK, residentPages };
}

/** Resident memory of a process in bytes; absent when it is gone. */
export function memoryOf(pid: number, proc = '/proc'): number | undefined {
  return residentMemory(readProcFile(pid, 'status', proc) ?? '');
}

/**
 * When a process started, in clock ticks from boot, and whether it is stopped (Ctrl-Z). Absent when
 * it is gone, or a zombie. Cheaper than all of `readProcess`.
 */
export function readStart(
  pid: number,
  proc = '/proc',
): { startTicks: number; stopped: boolean } | undefined {
  const fields = parseStat(readProcFile(pid, 'stat', proc) ?? '');
  if (fields === undefined || 'ZX'.includes(fields.state)) return undefined;
  return { startTicks: fields.startTicks, stopped: fields.state === 'T' };
}

/**
 * Tells whether a process has exactly that name: its comm, or the base name of its first argument.
 * A comm is cut to 15 bytes, so a longer name is compared with the first argument alone.
 */
export function isNamed({ comm, argv0 }: Pick<Process, 'comm' | 'argv0'>, name: string): boolean {
  return comm === name || argv0?.split('/').at(-1) === name;
}

/** Fields of /proc/PID/stat. */
interface Stat {
  comm: string;
  state: string;
  cpuTicks: number;
  startTicks: number;
  residentPages: number;
}

/**
 * Splits /proc/PID/stat: `pid (comm) state ppid …`. comm may hold blanks and brackets, so the last
 * bracket ends it.
 * @returns comm, and the fields from the state on: `fields[0]` is number 3 of proc(5)
 */
export function splitStat(text: string): { comm: string; fields: string[] } | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return undefined;
  return {
    comm: text.slice(open + 1, close),
    fields: text
      .slice(close + 2)
      .trim()
      .split(' '),
  };
}

/** Reads /proc/PID/stat: `pid (comm) state ppid … utime stime … starttime vsize rss …`. */
export function parseStat(text: string): Stat | undefined {
  const { comm, fields = [] } = splitStat(text) ?? {};
  const [state = ''] = fields;
  const field = (number: number) => parseField(fields[number - 3]);
  const cpuTicks = field(14) + field(15);
  const startTicks = field(22);
  // It comes behind what names the process; a line cut short names it all the same.
  const residentPages = fields.length > 24 - 3 ? field(24) : 0;
  if (comm === undefined || !/^[A-Za-z]$/.test(state)) return undefined;
  // A figure that is none makes all of them doubtful.
  if (![cpuTicks, startTicks, residentPages].every(Number.isSafeInteger)) return undefined;
  return { comm, state, cpuTicks, startTicks, residentPages };
}

/** A field of /proc/PID/stat that counts something: digits alone, else NaN. */
export function parseField(text: string | undefined): number {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

function residentMemory(status: string): number | undefined {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  const bytes = Number(kibibytes) * 1024;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

function readProcFile(pid: number, file: string, proc: string): string | undefined {
  try {
    return readFileSync(`${proc}/${pid}/${file}`, 'utf8');
  } catch (error) {
    // Another user's process may hide parts of itself.
    if (isGone(error) || (error as NodeJS.ErrnoException).code === 'EACCES') return undefined;
    throw error;
  }
}
