import { SYSTEM_GUARD, userGuard } from '../state/guard-deeds.js';
import { recordDirectory } from '../state/write.js';

/**
 * Where a guard keeps its journal and what it tells others: one directory for root's, one for each user's.
 * Absent where a user has no directory of their own.
 */
export function guardDirectory(
  uid = process.geteuid?.() ?? 0,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  if (uid === 0) return SYSTEM_GUARD;
  const records = recordDirectory(env, { uid });
  return records === undefined ? undefined : userGuard(records);
}
