/** What `run` would refuse: the same rules and the same words, with an edit of the profile to mend. */
import type { Limit, Machine, TroubleId } from '../model/index.js';
import { amountOf, type Refusal, refusalsOf } from '../profiles/rules.js';
import type { Lint, Subject } from './subject.js';

/**
 * All refusals at once. A built-in profile with sizes of its own is not wrong because a machine is
 * small: of those it is a warning.
 */
export function lintRefusals({ profile, limits, machine }: Subject): Lint[] {
  return refusalsOf(limits, machine).map((refusal) => {
    if (isLeftOut(refusal, limits)) return leftOut(refusal);
    const { id, limit, message, why } = refusal;
    return {
      id,
      severity: profile.layer === 'built-in' ? 'warning' : 'problem',
      key: `limits.${limit.property}`,
      message,
      why,
      remedy: editFor(id, limit, machine),
      refused: true,
    };
  });
}

/** A profile's MemoryHigh is not refused where the machine alone has no swap: `run` leaves it out. */
function isLeftOut({ id }: Refusal, limits: readonly Limit[]): boolean {
  const swap = limits.find(({ property }) => property === 'MemorySwapMax');
  return id === 'high-below-max-without-swap' && (swap === undefined || amountOf(swap) > 0);
}

function leftOut({ id, limit, why }: Refusal): Lint {
  return {
    id,
    severity: 'warning',
    key: `limits.${limit.property}`,
    // Without the figure: it is the same for every profile that has one.
    message: 'MemoryHigh is left out by rlimit here, since this machine has no swap',
    why,
    remedy: 'nothing, for runs of rlimit; do not set it by hand here, or give the machine swap',
  };
}

function editFor(id: TroubleId, { property, value }: Limit, { cpus }: Machine): string {
  switch (id) {
    case 'high-above-max':
      return 'a MemoryHigh below MemoryMax, or none';
    case 'high-below-max-without-swap':
      return 'MemoryHigh: infinity; or take MemorySwapMax=0 away';
    case 'memory-floor':
      return 'a larger MemoryMax';
    case 'quota-above-machine':
      return `CPUQuota: 75% of cores; or at most ${cpus * 100}%`;
    case 'cpu-not-present':
      return `AllowedCPUs: ${value} where present`;
    default:
      return `a share of the machine, such as ${property}: 60% of memory`;
  }
}
