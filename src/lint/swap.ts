/** Limits whose effect depends on swap. */
import type { Limit } from '../model/index.js';
import { amountOf, described } from '../profiles/rules.js';
import type { Lint, Subject } from './subject.js';

const OOMD_ACTIONS = ['ManagedOOMSwap', 'ManagedOOMMemoryPressure'];

/** systemd-oomd is told to kill, where it never will. */
export function lintOomd({ limits, machine }: Subject): Lint[] {
  const swap = limits.find(({ property }) => property === 'MemorySwapMax');
  const isZero = swap !== undefined && amountOf(swap) === 0;
  if (!isZero && machine.swap > 0) return [];
  const where = isZero ? described(swap) : 'a machine without swap';
  return limits
    .filter(({ property, value }) => OOMD_ACTIONS.includes(property) && value === 'kill')
    .map((limit) => ({
      id: 'oomd-with-swap-zero',
      severity: 'warning',
      key: `limits.${limit.property}`,
      message: `${described(limit)} never acts with ${where}`,
      why:
        limit.property === 'ManagedOOMSwap'
          ? 'systemd-oomd then kills whoever uses the most swap, and this uses none.'
          : 'systemd-oomd kills only where the kernel reclaims memory, and what cannot go to swap ' +
            'is not reclaimed.',
      remedy: isZero
        ? `take ${limit.property} out: MemoryMax kills here; for the machine as a whole: earlyoom`
        : 'earlyoom, which goes by free memory',
    }));
}

/** Swap on a disk with heads: the machine thrashes long before anything is killed. */
export function lintSwapDisk({ limits, machine }: Subject): Lint[] {
  if (machine.swapOn !== 'rotational' || machine.swap === 0) return [];
  const max = limits.find(({ property }) => property === 'MemoryMax');
  const swap = limits.find(({ property }) => property === 'MemorySwapMax');
  if (max === undefined || max.value === 'infinity') return [];
  if (swap !== undefined && amountOf(swap) === 0) return [];
  return [
    {
      id: 'swap-as-safety-valve',
      severity: 'warning',
      key: `limits.${(swap ?? max).property}`,
      message: `${allowed(swap)}, and this machine has swap on a rotational disk`,
      why:
        'What exceeds MemoryMax goes to that disk first: everybody waits for it, and the process ' +
        'that is the cause is killed only when its share of the swap is full as well.',
      remedy: 'MemorySwapMax: 0 (and no MemoryHigh then); or swap on zram in place of the disk',
    },
  ];
}

function allowed(swap: Limit | undefined): string {
  return swap === undefined
    ? 'swap is allowed without bound (there is no MemorySwapMax)'
    : `${described(swap)} allows swap`;
}
