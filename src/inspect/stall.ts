import { CgroupFileError, type KernelFiles, parseAmount, parsePressure } from '../cgroup/index.js';
import type { Finding } from '../model/index.js';
import { formatBytes } from '../quantity/index.js';
import * as causes from './causes.js';
import type { KernelContext } from './context.js';

/**
 * From how much of the last ten seconds on, with every process waiting for memory, a unit counts as
 * stalled. A build that only reclaims now and then stays far below it; the livelock goes to 80 %.
 */
const STALLED_PERCENT = 20;

/** Whether the unit can be, or is, in the livelock between memory.high and memory.max. */
export function stallFindings(kernel: KernelFiles, context: KernelContext): Finding[] {
  const high = amount(kernel, 'memory.high');
  const max = amount(kernel, 'memory.max');
  if (typeof high !== 'number' || (typeof max === 'number' && max <= high)) return [];
  const noSwap = context.swap === 0 || amount(kernel, 'memory.swap.max') === 0;
  if (!noSwap) return [];
  const figures = { high: formatBytes(high), max: formatBytes(max ?? 'infinity') };
  const waiting = fullPressure(kernel);
  const stalled = waiting !== undefined && waiting >= STALLED_PERCENT;
  const details = stalled ? { ...figures, stalledPercent: Math.round(waiting) } : figures;
  return [causes.livelock(details, context)];
}

function fullPressure(kernel: KernelFiles): number | undefined {
  const content = kernel['memory.pressure'];
  if (content === undefined) return undefined;
  return tolerant(() => parsePressure(content, 'memory.pressure').full?.avg10);
}

function amount(kernel: KernelFiles, file: string) {
  const content = kernel[file];
  return content === undefined ? undefined : tolerant(() => parseAmount(content, file));
}

/** A file that makes no sense is reported with its own property. */
function tolerant<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof CgroupFileError) return undefined;
    throw error;
  }
}
