import { chownSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** The user `nobody` of Debian. */
const nobody = 65534;

/**
 * Makes the rest of a test run as an ordinary user, for whom file modes count, also where root runs
 * the tests.
 * @param root a directory that is to be that user's own, with all that is in it
 */
export function beOrdinaryUser(root: string): void {
  if (process.getuid?.() !== 0) return;
  for (const path of ['', ...readdirSync(root, { recursive: true, encoding: 'utf8' })]) {
    chownSync(join(root, path), nobody, nobody);
  }
  process.seteuid?.(nobody);
  onTestFinished(() => process.seteuid?.(0));
}
