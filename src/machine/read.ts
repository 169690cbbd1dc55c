import { readFileSync } from 'node:fs';
import { parseControllers } from '../cgroup/parse.js';
import type { Controller, Machine } from '../model/index.js';
import { parseCpuList, QuantityError } from '../quantity/index.js';

/**
 * Reads what this computer has.
 * @param root directory that holds `proc` and `sys`; another tree in tests
 * @param uid whose user manager the controllers are those of
 * @throws {Error} when /proc/meminfo or the CPU list cannot be read: nothing can be resolved then
 */
export function readMachine(root = '/', uid = process.getuid?.() ?? 0): Machine {
  const { memory, swap } = readMemory(root);
  const cpus = readAllowedCpus(root);
  const controllers = readControllers(root, uid);
  return {
    cores: countCores(root, cpus),
    cpus: cpus.length,
    memory,
    swap,
    ...(controllers === undefined ? {} : { controllers }),
  };
}

/**
 * Controllers that units of the user's manager can have. Its own `cgroup.controllers` says so, and
 * not the one of app.slice: systemd enables controllers further down only on demand.
 */
function readControllers(root: string, uid: number): Controller[] | undefined {
  const manager = `sys/fs/cgroup/user.slice/user-${uid}.slice/user@${uid}.service`;
  const content = readText(root, `${manager}/cgroup.controllers`);
  return content === undefined ? undefined : parseControllers(content);
}

/**
 * MemTotal, SwapTotal, MemAvailable and SwapFree in bytes.
 * @throws {Error} when /proc/meminfo cannot be read
 */
export function readMemory(root = '/'): {
  memory: number;
  swap: number;
  available?: number;
  swapFree?: number;
} {
  const meminfo = readText(root, 'proc/meminfo') ?? '';
  const memory = kibibytes(meminfo, 'MemTotal');
  const swap = kibibytes(meminfo, 'SwapTotal');
  if (memory === undefined) throw new Error(`${root}proc/meminfo does not tell MemTotal`);
  const available = kibibytes(meminfo, 'MemAvailable');
  const swapFree = kibibytes(meminfo, 'SwapFree');
  return {
    memory,
    swap: swap ?? 0,
    ...(available === undefined ? {} : { available }),
    ...(swapFree === undefined ? {} : { swapFree }),
  };
}

/** The value of a `Name:   123 kB` line in bytes. */
export function kibibytes(meminfo: string, name: string): number | undefined {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(meminfo);
  const bytes = Number(match?.[1]) * 1024;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

function readAllowedCpus(root: string): number[] {
  const status = readText(root, 'proc/self/status') ?? '';
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1];
  if (list === undefined)
    throw new Error(`${root}proc/self/status does not tell Cpus_allowed_list`);
  return parseCpuList(list);
}

/**
 * Counts physical cores among the allowed CPUs. Each core is asked once: its file names all its
 * threads, so the others need no file read. A CPU without a topology (some containers) counts as
 * a core of its own.
 */
function countCores(root: string, cpus: readonly number[]): number {
  const seen = new Set<number>();
  let cores = 0;
  for (const cpu of cpus) {
    if (seen.has(cpu)) continue;
    cores += 1;
    const topology = `sys/devices/system/cpu/cpu${cpu}/topology`;
    const siblings =
      readText(root, `${topology}/core_cpus_list`) ??
      readText(root, `${topology}/thread_siblings_list`);
    for (const sibling of siblingsIn(siblings, cpu)) seen.add(sibling);
  }
  return cores;
}

/** A list that is none counts as no topology. */
function siblingsIn(list: string | undefined, cpu: number): number[] {
  try {
    return list === undefined ? [cpu] : parseCpuList(list);
  } catch (error) {
    if (error instanceof QuantityError) return [cpu];
    throw error;
  }
}

/** A file's text without surrounding blanks; absent when it cannot be read. */
function readText(root: string, path: string): string | undefined {
  try {
    return readFileSync(`${root}${path}`, 'utf8').trim();
  } catch {
    return undefined;
  }
}
