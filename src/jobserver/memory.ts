import {
  ancestorsOf,
  CGROUP_ROOT,
  isGone,
  parseAmount,
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

/** Limits of the cgroups above a run are read anew once in so many looks: they hardly ever change. */
const ABOVE_EVERY = 8;

/**
 * Reads the room of a run in the cgroup tree, again and again. Its own limit counts, and those of all cgroups above it,
 * as far as others below them leave something: the slice of the budget is one of these. Above
 * MemoryHigh the kernel slows down whoever asks for more, so that is a limit, too.
 * @returns a function that looks; it tells nothing where the kernel does not count memory here
 */
export function roomReader(
  cgroup: string,
  root = CGROUP_ROOT,
  system = '/',
): () => Room | undefined {
  let above: [level: string, limit: number][] = [];
  let looks = 0;
  return () => {
    if (looks % ABOVE_EVERY === 0) above = limitedAbove(cgroup, root);
    looks += 1;
    return readRoom(cgroup, above, { root, system });
  };
}

function limitedAbove(cgroup: string, root: string): [level: string, limit: number][] {
  return ancestorsOf(cgroup).flatMap((level): [string, number][] => {
    const limit = limitOf(level, root);
    return limit === 'infinity' ? [] : [[level, limit]];
  });
}

function readRoom(
  cgroup: string,
  above: readonly [level: string, limit: number][],
  { root, system }: { root: string; system: string },
): Room | undefined {
  const used = usedIn(cgroup, root);
  if (used === undefined) return undefined;
  let limit = limitOf(cgroup, root);
  let free: Amount = 'infinity';
  for (const [level, most] of above) {
    const others = Math.max(0, (usedIn(level, root) ?? used) - used);
    limit = lesser(limit, Math.max(0, most - others));
    free = lesser(free, Math.max(0, most - others - used));
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
  // Of its sixty lines, several times a second.
  const droppable = [...stat.matchAll(/^(?:inactive_file|active_file|slab_reclaimable) (\d+)$/gm)];
  return Math.max(
    0,
    Number(current) - droppable.reduce((sum, [, bytes]) => sum + Number(bytes), 0),
  );
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
