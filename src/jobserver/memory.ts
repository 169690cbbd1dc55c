import {
  ancestorsOf,
  CGROUP_ROOT,
  isGone,
  parseAmount,
  parseFlatKeyed,
  parsePressure,
  readCgroupFile,
} from '../cgroup/index.js';
import { readMemory } from '../machine/read.js';
import type { Amount } from '../model/index.js';
import type { Look } from './look.js';

/** How much memory a run has, and may have. */
export interface Room extends Pick<Look, 'limit' | 'used' | 'available' | 'pressure'> {
  /** Bytes that are free below the tightest limit above the run, which others may take as well. */
  free: Amount;
}

/**
 * Reads the room of a run in the cgroup tree. Its own limit counts, and those of all cgroups above it,
 * as far as others below them leave something: the slice of the budget is one of these. Above
 * MemoryHigh the kernel slows down whoever asks for more, so that is a limit, too.
 * @returns nothing where the kernel does not count memory here
 */
export function readRoom(cgroup: string, root = CGROUP_ROOT, system = '/'): Room | undefined {
  const used = usedIn(cgroup, root);
  if (used === undefined) return undefined;
  let limit: Amount = 'infinity';
  let free: Amount = 'infinity';
  for (const level of [cgroup, ...ancestorsOf(cgroup)]) {
    const own = limitOf(level, root);
    if (own === 'infinity') continue;
    const others = level === cgroup ? 0 : Math.max(0, (usedIn(level, root) ?? used) - used);
    limit = lesser(limit, Math.max(0, own - others));
    if (level !== cgroup) free = lesser(free, Math.max(0, own - others - used));
  }
  const pressure = pressureOf(cgroup, root);
  return {
    limit,
    free,
    used,
    ...availableOn(system),
    ...(pressure === undefined ? {} : { pressure }),
  };
}

function lesser(a: Amount, b: number): number {
  return a === 'infinity' ? b : Math.min(a, b);
}

/** MemAvailable of the machine. */
export function availableOn(system = '/'): { available?: number } {
  const { available } = readMemory(system);
  return available === undefined ? {} : { available };
}

/**
 * What the kernel cannot drop when a cgroup comes to its limit: neither cached files nor what it can
 * make anew (the kernel's cgroup-v2 document, memory.stat). Memory of tmpfs is not among the cached
 * files on these lists.
 */
function usedIn(cgroup: string, root: string): number | undefined {
  const current = read(cgroup, 'memory.current', root);
  const stat = read(cgroup, 'memory.stat', root);
  if (current === undefined || stat === undefined) return undefined;
  const {
    inactive_file: inactive = 0,
    active_file: active = 0,
    slab_reclaimable: slab = 0,
  } = parseFlatKeyed(stat, 'memory.stat');
  return Math.max(0, Number(current) - inactive - active - slab);
}

function limitOf(cgroup: string, root: string): Amount {
  const amounts = ['memory.max', 'memory.high'].flatMap((file) => {
    const content = read(cgroup, file, root);
    const amount = content === undefined ? 'infinity' : parseAmount(content, file);
    return amount === 'infinity' ? [] : [amount];
  });
  return amounts.length === 0 ? 'infinity' : Math.min(...amounts);
}

function pressureOf(cgroup: string, root: string): number | undefined {
  const content = read(cgroup, 'memory.pressure', root);
  return content === undefined ? undefined : parsePressure(content, 'memory.pressure').some?.avg10;
}

function read(cgroup: string, file: string, root: string): string | undefined {
  try {
    return readCgroupFile(cgroup, file, root);
  } catch (error) {
    if (isGone(error) || (error as NodeJS.ErrnoException).code === 'EACCES') return undefined;
    throw error;
  }
}
