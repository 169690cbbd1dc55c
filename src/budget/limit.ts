import { parseAmount, parseCount, readCgroupFile } from '../cgroup/index.js';
import { isRlimitError } from '../errors/index.js';
import { readMemory } from '../machine/read.js';
import type { Amount, UnitRecord } from '../model/index.js';
import { concretize } from '../profiles/wish.js';
import { readDropIns, settingsOf } from './drop-in.js';
import { BUDGET_SLICE, type Surroundings, sliceCgroup } from './slice.js';

/**
 * The memory that all runs may use together, in bytes: what the kernel holds for their slice. Before
 * the first run there is no slice yet, and what the drop-ins say counts. Absent without a budget:
 * that is found out by one read where the slice is active, and by three where it is not.
 */
export function memoryBudget(places: Surroundings): number | undefined {
  const held = readCgroupFile(sliceCgroup(BUDGET_SLICE, places), 'memory.max', places.root);
  const amount = held === undefined ? askedBudget(places) : parseAmount(held, 'memory.max');
  return amount === 'infinity' ? undefined : amount;
}

function askedBudget(places: Surroundings): Amount {
  const settings = settingsOf(readDropIns(places));
  return bytesOf(settings.find(({ property }) => property === 'MemoryMax')?.value);
}

/** What a run may use, in bytes: its MemoryMax. `infinity` where it has none. */
export function promiseOf({ properties }: Pick<UnitRecord, 'properties'>): Amount {
  return bytesOf(properties.MemoryMax);
}

/** What cannot be read is no limit, as it is none to systemd. */
function bytesOf(value: string | undefined): Amount {
  if (value === undefined || value === '') return 'infinity';
  // Only a share asks for the machine's memory.
  const memory = value.includes('%') ? readMemory().memory : 0;
  try {
    const concrete = concretize('MemoryMax', value, { cores: 1, cpus: 1, memory, swap: 0 });
    return 'amount' in concrete && typeof concrete.amount === 'number'
      ? concrete.amount
      : 'infinity';
  } catch (error) {
    if (isRlimitError(error)) return 'infinity';
    throw error;
  }
}

/** What a cgroup uses now: memory.current, in bytes. Absent when it is not there. */
export function memoryInUse(
  cgroup: string,
  { root }: Pick<Surroundings, 'root'>,
): number | undefined {
  const content = readCgroupFile(cgroup, 'memory.current', root);
  return content === undefined ? undefined : parseCount(content, 'memory.current');
}
