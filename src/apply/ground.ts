/** Where a plan is applied: a machine or a tree, with the journal there. */
import { UnavailableError } from '../errors/index.js';
import type { ManagerKind } from '../systemd/client.js';
import { isWithoutSystemd } from '../systemd/find.js';
import { emptyJournal, type Journal, JournalStore } from './journal.js';
import { journalFolder } from './place.js';
import type { ApplyOptions } from './report.js';
import { type System, thisSystem } from './system.js';
import type { Tree } from './transaction.js';

export interface Ground extends Tree {
  store: JournalStore;
  system: System;
  isTree: boolean;
  uid: number;
}

export function groundOf(plan: string, options: ApplyOptions): Ground {
  const { root = '', runtime = false, env = process.env, uid = process.geteuid?.() ?? 0 } = options;
  const { hook = () => {}, system = thisSystem } = options;
  const folder = journalFolder(plan, { root, runtime, env, uid });
  return {
    root,
    hook,
    system,
    isTree: root !== '',
    uid,
    store: new JournalStore(folder, plan, hook),
  };
}

export function needSystemd({ isTree }: Ground): void {
  if (isTree || !isWithoutSystemd()) return;
  throw new UnavailableError('systemd does not run here', {
    why: 'What a plan writes is for systemd, and could not be seen in force.',
    remedy: 'to write the files into a tree instead: rlimit apply PLAN --root DIR',
  });
}

export function managersFor({ uid }: Ground): ManagerKind[] {
  return [uid === 0 ? 'system' : 'user'];
}

/** The journal of root cannot be read by others, who may compare all the same. */
export function tolerantLoad(store: JournalStore): Journal {
  try {
    return store.load();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    return emptyJournal(store.plan);
  }
}
