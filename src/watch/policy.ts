import { isRlimitError } from '../errors/index.js';
import type { OnStall } from '../model/index.js';
import { loadProfile } from '../profiles/index.js';
import type { WatchedUnit } from './units.js';

/**
 * How a unit's profile wants its stalls broken, as it is where the unit was started. A unit of no
 * profile, or of one that can no longer be used, is not one to kill anything in: `raise`.
 */
export async function onStallOf(
  { record }: Pick<WatchedUnit, 'record'>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<OnStall> {
  if (record === undefined) return 'raise';
  try {
    const { onStall = 'raise' } = await loadProfile(record.profile, { cwd: record.cwd, env });
    return onStall;
  } catch (error) {
    if (isRlimitError(error)) return 'raise';
    throw error;
  }
}
