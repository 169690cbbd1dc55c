import type { Amount, UnitSample } from '../model/index.js';

/** A limit by the name that it is told by, and how much of it is used. */
export interface LimitUse {
  limit: 'memory_max' | 'memory_high' | 'swap_max' | 'tasks_max' | 'cpu_max';
  used: number;
  most: number;
  /** Of the limit; a limit of nothing (MemorySwapMax=0) is never used in part. */
  part: number;
}

/** What a unit uses of its own limits, in the order in which they are shown. */
export function limitUses({ use, limits }: Pick<UnitSample, 'use' | 'limits'>): LimitUse[] {
  const all: [LimitUse['limit'], number | undefined, Amount | undefined][] = [
    ['memory_max', use.memory, limits.memoryMax],
    ['memory_high', use.memory, limits.memoryHigh],
    ['swap_max', use.swap, limits.swapMax],
    ['cpu_max', use.cores, limits.cores],
    ['tasks_max', use.tasks, limits.tasksMax],
  ];
  return all.flatMap(([limit, used, most]) =>
    used === undefined || typeof most !== 'number' || most <= 0
      ? []
      : [{ limit, used, most, part: used / most }],
  );
}
