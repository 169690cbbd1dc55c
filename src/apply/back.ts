/** The way back: out of a change that failed or was cut short, and out of a plan. */
import type { UnitWish } from './compile/types.js';
import { settleBack, undoEffects } from './effects.js';
import { type Ground, managersFor } from './ground.js';
import { type Journal, NO_EFFECTS } from './journal.js';
import { finishRevert, rollBack } from './transaction.js';

/** Takes an open change back: effects, files, and what had read them. */
export async function backOut(journal: Journal, ground: Ground): Promise<string[]> {
  const { store, system, isTree } = ground;
  const effects = journal.open?.effects ?? NO_EFFECTS;
  const remarks = isTree ? [] : await undoEffects(effects, system);
  const { kept } = rollBack(journal, store, ground);
  remarks.push(
    ...kept.map((path) => `${path} was changed by somebody meanwhile, and is left as it is`),
  );
  if (!isTree)
    remarks.push(...(await settleBack(effects, unitsOf(journal), managersFor(ground), system)));
  return remarks;
}

/**
 * Puts right what a crash left: an apply is rolled back, a revert is finished.
 * @returns what was done, as a sentence; undefined where there was nothing
 */
export async function recover(ground: Ground): Promise<string | undefined> {
  const journal = ground.store.load();
  const { open } = journal;
  if (open === undefined) return undefined;
  if (open.kind === 'apply') {
    const remarks = await backOut(journal, ground);
    return ['an apply that did not end was rolled back', ...remarks].join('; ');
  }
  const { kept } = await finish(journal, ground);
  return ['a revert that did not end was finished', ...kept].join('; ');
}

/** Takes effects and files back as the open revert says; tells what could not be. */
export async function finish(journal: Journal, ground: Ground): Promise<{ kept: string[] }> {
  const { store, system, isTree } = ground;
  const { effects } = journal;
  const remarks = isTree ? [] : await undoEffects(effects, system);
  const { kept } = finishRevert(journal, store, ground);
  remarks.push(
    ...kept.map((path) => `${path} was changed by somebody meanwhile, and is left as it is`),
  );
  if (!isTree)
    remarks.push(...(await settleBack(effects, unitsOf(journal), managersFor(ground), system)));
  return { kept: remarks };
}

/** All that have, or were about to have, limits of the plan. */
function unitsOf({ units, open }: Journal): UnitWish[] {
  return [...units, ...(open?.units ?? [])];
}
