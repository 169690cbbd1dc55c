import {
  type KernelFiles,
  parseAmount,
  parseFlatKeyed,
  parsePressure,
  tolerantly,
} from '../cgroup/index.js';
import type { Amount, Finding } from '../model/index.js';
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
  const stalled = waiting !== undefined && waiting >= STALLED_PERCENT && !reclaims(kernel);
  const details = stalled ? { ...figures, stalled: { percent: Math.round(waiting) } } : figures;
  return [causes.livelock(details, context)];
}

/** The finding on a unit that was watched and seen to stand still. */
export function stalledFinding(
  { high, max, part }: { high: number; max: Amount; part?: number },
  context: KernelContext,
): Finding {
  // Without pressure figures it was told by other signs.
  const stalled = part === undefined ? {} : { percent: Math.round(part * 100) };
  return causes.livelock({ high: formatBytes(high), max: formatBytes(max), stalled }, context);
}

/** Whether a tenth and more of the memory is page cache: the kernel takes that back and goes on. */
export function hasPageCache(current: number, pageCache: number): boolean {
  return pageCache > current / 10;
}

/** Waiting for memory while page cache is read and dropped is slow, but it is no stall. */
function reclaims(kernel: KernelFiles): boolean {
  const current = amount(kernel, 'memory.current');
  const stat = tolerantly(() => parseFlatKeyed(kernel['memory.stat'] ?? '', 'memory.stat'));
  const { active_file: active = 0, inactive_file: inactive = 0 } = stat ?? {};
  return typeof current === 'number' && hasPageCache(current, active + inactive);
}

function fullPressure(kernel: KernelFiles): number | undefined {
  const content = kernel['memory.pressure'];
  if (content === undefined) return undefined;
  return tolerantly(() => parsePressure(content, 'memory.pressure').full?.avg10);
}

function amount(kernel: KernelFiles, file: string) {
  const content = kernel[file];
  return content === undefined ? undefined : tolerantly(() => parseAmount(content, file));
}
