/** All processes of the machine at one moment, as far as kinship is concerned. */
import { readdirSync, readFileSync } from 'node:fs';
import { isGone, splitStat } from '../cgroup/index.js';

/** One process; with its start the PID names it for ever. */
export interface Entry {
  pid: number;
  comm: string;
  /** R, S, D, T (stopped), t (traced), Z (ended, not collected yet) … */
  state: string;
  ppid: number;
  /** Process group, and session: the PID of the process that leads it. */
  pgrp: number;
  session: number;
  /** Device number of the controlling terminal; 0 for none. */
  tty: number;
  startTicks: number;
  /** Whether it is a thread of the kernel. */
  kernel: boolean;
}

export type Census = ReadonlyMap<number, Entry>;

/** Names one process for ever. */
export function keyOf({ pid, startTicks }: Pick<Entry, 'pid' | 'startTicks'>): string {
  return `${pid}:${startTicks}`;
}

/** Whether a process has ended and only waits to be collected. */
export function hasEnded({ state }: Entry): boolean {
  return 'ZXx'.includes(state);
}

/** Reads every process there is. Those that end meanwhile are left out. */
export function readCensus(proc = '/proc'): Census {
  const census = new Map<number, Entry>();
  for (const name of readdirSync(proc)) {
    const entry = /^\d+$/.test(name) ? readEntry(Number(name), proc) : undefined;
    if (entry) census.set(entry.pid, entry);
  }
  return census;
}

/** Reads one process, a zombie too; absent when there is none. */
export function readEntry(pid: number, proc = '/proc'): Entry | undefined {
  const text = readText(`${proc}/${pid}/stat`);
  const split = text === undefined ? undefined : splitStat(text);
  if (split === undefined) return undefined;
  const { comm, fields } = split;
  const at = (field: number) => Number(fields[field - 3]);
  const entry: Entry = {
    pid,
    comm,
    state: fields[0] ?? '',
    ppid: at(4),
    pgrp: at(5),
    session: at(6),
    tty: at(7),
    startTicks: at(22),
    kernel: (at(9) & PF_KTHREAD) !== 0,
  };
  return Number.isSafeInteger(entry.startTicks) ? entry : undefined;
}

/** include/linux/sched.h */
const PF_KTHREAD = 0x00200000;

/** Real user ID of a process; absent when it is gone. */
export function userOf(pid: number, proc = '/proc'): number | undefined {
  const uid = /^Uid:\s+(\d+)/m.exec(readText(`${proc}/${pid}/status`) ?? '')?.[1];
  return uid === undefined ? undefined : Number(uid);
}

/** The process that a thread belongs to, by the thread's ID; absent where it is no thread. */
export function processOfThread(tid: number, proc = '/proc'): number | undefined {
  const tgid = /^Tgid:\s+(\d+)/m.exec(readText(`${proc}/${tid}/status`) ?? '')?.[1];
  return tgid === undefined || Number(tgid) === tid ? undefined : Number(tgid);
}

/** The command line of a process; its name where it shows none. */
export function commandOf({ pid, comm }: Pick<Entry, 'pid' | 'comm'>, proc = '/proc'): string[] {
  const text = readText(`${proc}/${pid}/cmdline`) ?? '';
  return text === '' ? [comm] : text.replace(/\0+$/, '').split('\0');
}

/**
 * Whether every thread of a process stands still, so that none can fork: stopped, traced or ended.
 * The state in /proc/PID/stat is that of the first thread only.
 */
export function standsStill(pid: number, proc = '/proc'): boolean {
  let threads: string[];
  try {
    threads = readdirSync(`${proc}/${pid}/task`);
  } catch (error) {
    if (isGone(error)) return true;
    throw error;
  }
  return threads.every((tid) => {
    const text = readText(`${proc}/${pid}/task/${tid}/stat`);
    return text === undefined || 'TtZXx'.includes(splitStat(text)?.fields[0] ?? 'X');
  });
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Another user's process may hide parts of itself.
    if (isGone(error) || code === 'EACCES' || code === 'EPERM') return undefined;
    throw error;
  }
}
