import type { UnitRecord } from '../model/index.js';
import { type ManagerKind, systemctl } from './client.js';

/**
 * Clears up behind runs whose rlimit was killed and could not do it: stops the slices that were
 * made for them alone, and lets go of scopes that ended badly. Their processes have ended. What
 * systemd does not do is left: it harms nobody.
 */
export async function clearRuns(records: readonly UnitRecord[]): Promise<void> {
  await Promise.all(MANAGERS.map((manager) => clearOf(manager, records)));
}

const MANAGERS = ['user', 'system'] as const;

async function clearOf(manager: ManagerKind, records: readonly UnitRecord[]): Promise<void> {
  const theirs = records.filter(({ launcher = 'user' }) => launcher === manager);
  const slices = theirs.filter(({ ownSlice }) => ownSlice).map(({ slice }) => slice);
  if (theirs.length === 0) return;
  const units = theirs.map(({ unit }) => unit);
  const ask = (args: string[]) => systemctl(args, { manager }).catch(() => {});
  if (slices.length > 0) await ask(['stop', '--no-block', '--no-ask-password', '--', ...slices]);
  await ask(['reset-failed', '--no-ask-password', '--', ...units]);
}
