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
const USEC_PER_TICK = 10_000;

/** Reads one process; absent when it is gone, or a zombie, which only waits to be collected. */
export function readProcess(pid: number, proc = '/proc'): Process | undefined {
  const stat = readProcFile(pid, 'stat', proc);
  const cgroup = cgroupOf(pid, proc);
  if (stat === undefined || cgroup === undefined) return undefined;
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

/**
 * Tells whether a process has exactly that name: its comm, or the base name of its first argument.
 * A comm is cut to 15 bytes, so a longer name is compared with the first argument alone.
 */
export function isNamed({ comm, argv0 }: Pick<Process, 'comm' | 'argv0'>, name: string): boolean {
  return comm === name || argv0?.split('/').at(-1) === name;
}

/**
 * Reads /proc/PID/stat: `pid (comm) state ppid … utime stime … starttime …`. comm may hold blanks
 * and brackets, so the last bracket ends it.
 */
export function parseStat(
  text: string,
): { comm: string; state: string; cpuTicks: number; startTicks: number } | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  // The first field after the bracket is number 3 in proc(5).
  const fields = text.slice(close + 2).split(' ');
  const [state = '', cpuTicks, startTicks] = [
    fields[0],
    Number(fields[11]) + Number(fields[12]),
    Number(fields[19]),
  ];
  if (open < 0 || close < open || !/^[A-Za-z]$/.test(state)) return undefined;
  if (!Number.isSafeInteger(cpuTicks) || !Number.isSafeInteger(startTicks)) return undefined;
  return { comm: text.slice(open + 1, close), state, cpuTicks, startTicks };
}

function residentMemory(status: string): number | undefined {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
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
