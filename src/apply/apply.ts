/** `rlimit apply`: a plan written, put in force, looked at, and taken back. */
import { copyFileSync } from 'node:fs';
import { UsageError } from '../errors/index.js';
import { backOut, finish, recover } from './back.js';
import type { Compiled } from './compile/types.js';
import { actionsDue, perform } from './effects.js';
import { type Ground, groundOf, needSystemd, tolerantLoad } from './ground.js';
import { isEmpty, type Journal, NO_EFFECTS } from './journal.js';
import { holdPlan, ownPlaces } from './place.js';
import type { Plan } from './plan.js';
import { diffsOf } from './prepare.js';
import { refuseForeign, refuseOverCommitted, refuseTimers, refuseUnwritable } from './refuse.js';
import type { ApplyReport, CheckReport, FileDiff, Prepared } from './report.js';
import { StepFailed, tryOut } from './system.js';
import { begin, commit, type Draft, draftApply, draftRevert, noteEffects } from './transaction.js';
import { type Verified, verify } from './verify.js';

/**
 * Applies what was prepared: files by rename, with their former contents kept; then systemd and the
 * services; then a look at whether all of it is in force. What fails is rolled back.
 * @throws {UsageError} for caps above the machine, and for files that somebody changed, unless forced
 * @throws {UnavailableError} where files cannot be written, or systemd does not run
 */
export async function applyPrepared({
  plan,
  compiled,
  preview,
  options,
}: Prepared): Promise<ApplyReport> {
  const { root = '', force = false, restart = true, env = process.env } = options;
  const ground = groundOf(plan.name, options);
  needSystemd(ground);
  const release = holdPlan(ground.store.folder);
  try {
    const recovered = await recover(ground);
    const journal = ground.store.load();
    const draft = draftApply(compiled.files, journal, root);
    const base = {
      ...preview,
      ...(recovered === undefined ? {} : { recovered }),
      remarks: [] as string[],
    };
    const changed = draft.moves.map(({ path }) => path);
    if (changed.length > 0 && !force) {
      refuseOverCommitted(compiled);
      refuseForeign(draft);
    }
    refuseUnwritable(changed, root, ownPlaces(ground.uid, env));
    const due = ground.isTree
      ? { actions: [], effects: NO_EFFECTS }
      : await actionsDue(compiled, { system: ground.system, changed, mayRestart: restart });
    if (changed.length === 0 && due.actions.length === 0) {
      return { ...base, outcome: 'nothing', ...(await verifiedOf(compiled, plan, ground)) };
    }
    if (!ground.isTree && compiled.tryOut !== undefined)
      await tryOut(ground.system, compiled.tryOut);
    if (!ground.isTree) await refuseTimers(compiled, changed, ground.system);
    const kept = keepCopies(draft, root);
    const failure = await carryOut({ draft, compiled, due, ground });
    if (failure !== undefined) {
      return { ...base, outcome: 'rolled-back', failure: failure.step, remarks: failure.remarks };
    }
    const verified = await verifiedOf(compiled, plan, ground);
    return { ...base, outcome: 'applied', remarks: kept, ...verified };
  } finally {
    release();
  }
}

interface Task {
  draft: Draft;
  compiled: Compiled;
  due: Awaited<ReturnType<typeof actionsDue>>;
  ground: Ground;
}

/** @returns why it was rolled back; undefined when all is done */
async function carryOut({ draft, compiled, due, ground }: Task) {
  const { store, system } = ground;
  let open: Journal | undefined;
  try {
    open = begin(draft, ground.isTree ? { ...compiled, folders: [] } : compiled, store, ground);
    open = noteEffects(open, due.effects, store);
    await perform(due.actions, compiled.units, system);
    commit(open, draft.applied, store, ground);
    return undefined;
  } catch (error) {
    const step =
      error instanceof StepFailed
        ? { step: error.step, said: error.said }
        : { step: 'writing files', said: (error as Error).message };
    const left = store.load();
    const remarks = await backOut(left, ground);
    return { step, remarks };
  }
}

/**
 * Puts every file and value back as it was before the plan was applied.
 * @throws {UsageError} for a file that somebody changed since, unless forced
 * @throws {UnavailableError} where the plan is not applied, or files cannot be written
 */
export async function revertPlan({ plan, preview, options }: Prepared): Promise<ApplyReport> {
  const { root = '', force = false } = options;
  const ground = groundOf(plan.name, options);
  needSystemd(ground);
  const release = holdPlan(ground.store.folder);
  try {
    const recovered = await recover(ground);
    const journal = ground.store.load();
    const base = {
      ...preview,
      files: [] as FileDiff[],
      commands: [],
      left: [],
      notes: [],
      remarks: [] as string[],
      ...(recovered === undefined ? {} : { recovered }),
    };
    if (isEmpty(journal) && recovered === undefined && plan.targets.length === 0) {
      throw new UsageError(`no plan ${JSON.stringify(plan.name)} is applied here`, {
        remedy: 'rlimit apply --list',
      });
    }
    if (isEmpty(journal))
      return { ...base, outcome: recovered === undefined ? 'nothing' : 'reverted' };
    const draft = draftRevert(journal, root);
    if (!force) refuseForeign(draft);
    const files = diffsOf(draft, {});
    const kept = keepCopies(draft, root);
    const opened = beginRevert(draft, ground);
    const { kept: remarks } = await finish(opened, ground);
    return { ...base, files, outcome: 'reverted', remarks: [...kept, ...remarks] };
  } finally {
    release();
  }
}

/** Only notes the moves: effects are taken back before files, by `finish`. */
function beginRevert(draft: Draft, { store }: Ground): Journal {
  const journal = store.load();
  for (const content of draft.contents.values()) store.keep(content);
  const opened: Journal = {
    ...journal,
    open: { kind: 'revert', moves: draft.moves, folders: [], effects: NO_EFFECTS, units: [] },
  };
  store.save(opened);
  return opened;
}

/** Compares the machine with a plan. Changes nothing. */
export async function checkPlan({
  plan,
  compiled,
  preview,
  options,
}: Prepared): Promise<CheckReport> {
  const ground = groundOf(plan.name, options);
  const { verified } = await verifiedOf(compiled, plan, ground);
  const { files, interrupted, notes } = preview;
  return {
    plan: plan.name,
    isApplied: !isEmpty(tolerantLoad(ground.store)),
    files,
    notes,
    ...(interrupted === undefined ? {} : { interrupted }),
    ...(verified === undefined ? {} : { verified }),
    isAsPlanned: files.length === 0 && interrupted === undefined && (verified?.isInForce ?? true),
  };
}

async function verifiedOf(
  compiled: Compiled,
  plan: Plan,
  { system, isTree }: Ground,
): Promise<{ verified?: Verified }> {
  if (isTree) return {};
  return { verified: await verify(compiled, { system, checks: plan.checks }) };
}

/** What somebody wrote is not thrown away: a copy stays beside the file. */
function keepCopies({ edited }: Draft, root: string): string[] {
  return edited.map((path) => {
    const copy = `${path}.rlimit-kept`;
    copyFileSync(`${root}${path}`, `${root}${copy}`);
    return `${path} had been changed by somebody; that is kept as ${copy}`;
  });
}
