/** Options that the verbs of the guard's service share. */
import { Flags } from '@oclif/core';
import { UsageError } from '../errors/index.js';
import type { ManagerKind } from '../systemd/client.js';

export const guardUserFlag = Flags.boolean({
  default: false,
  description: 'your own guard, in your systemd user manager, instead of the machine’s',
});

/** @throws {UsageError} for root, whose guard is the machine's */
export function guardManager(user: boolean, uid = process.getuid?.() ?? 0): ManagerKind {
  if (!user) return 'system';
  if (uid !== 0) return 'user';
  throw new UsageError('root’s guard is that of the whole machine', {
    remedy: 'the same without --user',
  });
}
