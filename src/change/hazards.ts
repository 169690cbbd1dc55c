/** What a new limit does to a unit that uses more than that already. Pure. */
import { type KernelFiles, parseFlatKeyed } from '../cgroup/index.js';
import type { Amount, Limit, Usage } from '../model/index.js';
import { parseBytes, parseTasks } from '../quantity/index.js';

/**
 * `memory-above-max`: the kernel reclaims, and kills where that is not enough, at once.
 * `cache-above-max`: dropping cached files is enough.
 * `memory-above-high`: everything in the unit is slowed down until use is below.
 * `swap-above-max`: what is swapped out stays so; nothing more can be.
 * `tasks-above-max`: nothing ends, and nothing new can start.
 */
export type HazardId =
  | 'memory-above-max'
  | 'cache-above-max'
  | 'memory-above-high'
  | 'swap-above-max'
  | 'tasks-above-max';

/** Use above a new limit. Bytes, or tasks. */
export interface Hazard {
  id: HazardId;
  property: string;
  limit: number;
  used: number;
  /** Bytes of `used` that are cached files, which the kernel can drop. */
  cache?: number;
}

/** @param kernel memory.stat, for what of the memory is cache */
export function hazardsOf(
  limits: readonly Limit[],
  usage: Usage,
  kernel: KernelFiles = {},
): Hazard[] {
  return limits.flatMap(({ property, value }): Hazard[] => {
    switch (property) {
      case 'MemoryMax':
        return memoryHazard(property, parseBytes(value), usage, cacheIn(kernel));
      case 'MemoryHigh':
        return above('memory-above-high', property, parseBytes(value), usage.memoryCurrent);
      case 'MemorySwapMax':
        return above('swap-above-max', property, parseBytes(value), usage.swapCurrent);
      case 'TasksMax':
        return above('tasks-above-max', property, parseTasks(value), usage.tasks);
      default:
        return [];
    }
  });
}

function memoryHazard(
  property: string,
  limit: Amount,
  { memoryCurrent: used }: Usage,
  cache: number,
): Hazard[] {
  const [hazard] = above('memory-above-max', property, limit, used);
  if (hazard === undefined) return [];
  const fits = hazard.used - cache <= hazard.limit;
  return [{ ...hazard, id: fits ? 'cache-above-max' : hazard.id, cache }];
}

function above(id: HazardId, property: string, limit: Amount, used: number | undefined): Hazard[] {
  if (limit === 'infinity' || used === undefined || used <= limit) return [];
  return [{ id, property, limit, used }];
}

/** Cached files in memory. Those of tmpfs (`shmem`) are not among them: they cannot be dropped. */
function cacheIn(kernel: KernelFiles): number {
  const content = kernel['memory.stat'];
  if (content === undefined) return 0;
  const stat = parseFlatKeyed(content, 'memory.stat');
  return (stat.active_file ?? 0) + (stat.inactive_file ?? 0);
}
