/**
 * The formats of cgroup v2 files (Documentation/admin-guide/cgroup-v2.rst of the kernel) as typed
 * values. Each function takes the content and the file's name, which its error repeats.
 */
import type { Amount, Controller } from '../model/index.js';
import { parseCpuList, QuantityError } from '../quantity/index.js';
import { CgroupFileError } from './error.js';

/** Reads `max` or a whole number: memory.max, memory.high, pids.max and their like. */
export function parseAmount(content: string, file: string): Amount {
  return content.trim() === 'max' ? 'infinity' : parseCount(content, file);
}

/**
 * Reads one whole number: memory.current, pids.current, cpu.weight. A figure beyond 2^53, such as
 * a limit set to nearly everything, is refused rather than rounded.
 */
export function parseCount(content: string, file: string): number {
  const text = content.trim();
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new CgroupFileError(file, content, 'a whole number');
  return value;
}

/** CPU bandwidth: at most `quota` µs of CPU time in every `period` µs. */
export interface CpuMax {
  quota: Amount;
  period: number;
}

/** Reads cpu.max: `200000 100000`, `max 100000`. */
export function parseCpuMax(content: string, file = 'cpu.max'): CpuMax {
  const [quota = '', period = '', ...rest] = content.trim().split(/\s+/);
  const expected = 'a quota and a period in µs';
  if (rest.length > 0 || period === '') throw new CgroupFileError(file, content, expected);
  const max = { quota: parseAmount(quota, file), period: parseCount(period, file) };
  if (max.period === 0) throw new CgroupFileError(file, content, expected);
  return max;
}

/** Reads lines of `key number`: cpu.stat, memory.stat, memory.events, pids.events, cgroup.events. */
export function parseFlatKeyed(content: string, file: string): Record<string, number> {
  const values: Record<string, number> = {};
  for (const line of content.split('\n')) {
    if (line === '') continue;
    const match = /^([\w.]+) (\d+)$/.exec(line);
    if (!match?.[1]) throw new CgroupFileError(file, content, 'lines of a name and a number');
    values[match[1]] = parseCount(match[2] ?? '', file);
  }
  return values;
}

/** Pressure stall information: percent of time over 10, 60 and 300 s, and µs in all. */
export interface Stall {
  avg10: number;
  avg60: number;
  avg300: number;
  total: number;
}

/** `some`: at least one task waited. `full`: all of them did at once. */
export interface Pressure {
  some?: Stall;
  full?: Stall;
}

/** A percentage has less digits than these. */
const MOST_DIGITS = 12;

/** Reads memory.pressure, cpu.pressure, io.pressure. */
export function parsePressure(content: string, file: string): Pressure {
  const pressure: Pressure = {};
  for (const line of content.split('\n')) {
    if (line === '') continue;
    const match =
      /^(some|full) avg10=(\d+\.\d+) avg60=(\d+\.\d+) avg300=(\d+\.\d+) total=(\d+)$/.exec(line);
    if (!match) throw new CgroupFileError(file, content, 'pressure figures');
    const [, kind, avg10, avg60, avg300, total = ''] = match;
    if ([avg10, avg60, avg300].some((figure = '') => figure.length > MOST_DIGITS)) {
      throw new CgroupFileError(file, content, 'pressure figures');
    }
    pressure[kind as keyof Pressure] = {
      avg10: Number(avg10),
      avg60: Number(avg60),
      avg300: Number(avg300),
      total: parseCount(total, file),
    };
  }
  return pressure;
}

/** The weight of a cgroup's IO: the default one, and those of single devices by `MAJ:MIN`. */
export interface IoWeight {
  default?: number;
  devices: Record<string, number>;
}

/** Reads io.weight and io.bfq.weight: `default 100` and lines of `8:16 200`. */
export function parseIoWeight(content: string, file = 'io.weight'): IoWeight {
  const weight: IoWeight = { devices: {} };
  for (const line of content.split('\n')) {
    if (line === '') continue;
    const match = /^(default|\d+:\d+) (\d+)$/.exec(line);
    if (!match?.[1]) throw new CgroupFileError(file, content, 'a default and weights of devices');
    const value = parseCount(match[2] ?? '', file);
    if (match[1] === 'default') weight.default = value;
    else weight.devices[match[1]] = value;
  }
  return weight;
}

/** Caps on one device: bytes and operations per second, read and written. */
export type IoCaps = Record<'rbps' | 'wbps' | 'riops' | 'wiops', Amount>;

/** Reads io.max, by `MAJ:MIN`: `8:16 rbps=2097152 wbps=max riops=max wiops=120`. */
export function parseIoMax(content: string, file = 'io.max'): Record<string, IoCaps> {
  const devices: Record<string, IoCaps> = {};
  for (const line of content.split('\n')) {
    if (line === '') continue;
    const [device = '', ...caps] = line.split(' ');
    const isCap = (cap: string) => /^\w+=\w+$/.test(cap);
    if (!/^\d+:\d+$/.test(device) || !caps.every(isCap)) {
      throw new CgroupFileError(file, content, 'caps by device');
    }
    const fields = Object.fromEntries(caps.map((cap) => cap.split('=')));
    devices[device] = {
      rbps: parseAmount(fields.rbps ?? '', file),
      wbps: parseAmount(fields.wbps ?? '', file),
      riops: parseAmount(fields.riops ?? '', file),
      wiops: parseAmount(fields.wiops ?? '', file),
    };
  }
  return devices;
}

/** Reads cpuset.cpus, cpuset.mems: sorted numbers, empty where nothing is set. */
export function parseCpus(content: string, file: string): number[] {
  try {
    return parseCpuList(content);
  } catch (error) {
    if (!(error instanceof QuantityError)) throw error;
    throw new CgroupFileError(file, content, error.expected);
  }
}

/** The controllers that limits can need. */
export const CONTROLLERS: readonly Controller[] = ['cpu', 'cpuset', 'io', 'memory', 'pids'];

/** `cgroup.controllers`; controllers that no property needs are left out. */
export function parseControllers(content: string): Controller[] {
  const known: readonly string[] = CONTROLLERS;
  return parseNames(content).filter((name): name is Controller => known.includes(name));
}

/** Reads cgroup.controllers, cgroup.subtree_control: names between blanks. */
export function parseNames(content: string): string[] {
  return content.split(/\s+/).filter(Boolean);
}

/** Reads cgroup.procs: process IDs, one a line. A 0 is a process of another PID namespace. */
export function parsePids(content: string, file = 'cgroup.procs'): number[] {
  return parseNames(content).map((pid) => parseCount(pid, file));
}
