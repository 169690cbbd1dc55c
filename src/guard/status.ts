import { isAlive } from '../cgroup/process.js';
import { type JournalEntry, readJournal } from './journal.js';
import { guardDirectory } from './places.js';

/** A guard as its journal tells; also what `--json` prints. */
export interface GuardStatus {
  /** Whose it is: the machine's, or the user's. */
  of: 'machine' | 'user';
  running: boolean;
  /** Absent where none has left a word. */
  journal?: JournalEntry;
}

/** The guard of the machine, and that of the user who asks. */
export function guardStatus(
  uid = process.geteuid?.() ?? 0,
  env: NodeJS.ProcessEnv = process.env,
): GuardStatus[] {
  const machine = statusOf('machine', guardDirectory(0, env));
  return uid === 0 ? [machine] : [machine, statusOf('user', guardDirectory(uid, env))];
}

function statusOf(of: GuardStatus['of'], directory: string | undefined): GuardStatus {
  const journal = directory === undefined ? undefined : readJournal(directory);
  if (journal === undefined) return { of, running: false };
  return { of, running: isAlive(journal.guard), journal };
}
