/** `rlimit apply`: a plan written, put in force, looked at, and taken back. */
import { copyFileSync } from 'node:fs';
import { placeHere } from '../doctor/index.js';
import { UnavailableError } from '../errors/index.js';
import { machineOf } from '../inspect/machine.js';
import type { Machine } from '../model/index.js';
import { parseMachineOverride } from '../profiles/machine-override.js';
import type { ManagerKind } from '../systemd/client.js';
import { isWithoutSystemd } from '../systemd/find.js';
import { unifiedDiff } from '../text/index.js';
import { compilePlan, servicesIn } from './compile/index.js';
import type { Compiled, LeftOver, Sums, UnitWish } from './compile/types.js';
import { actionsDue, commandsOf, perform, settleBack, undoEffects } from './effects.js';
import { readFacts } from './facts.js';
import { isEmpty, type Journal, JournalStore, NO_EFFECTS } from './journal.js';
import { holdPlan, journalFolder, ownPlaces } from './place.js';
import type { Plan } from './plan.js';
import { refuseForeign, refuseOverCommitted, refuseUnwritable } from './refuse.js';
import type { Hook } from './states.js';
import { StepFailed, type System, thisSystem, tryOut } from './system.js';
import {
  begin,
  commit,
  type Draft,
  draftApply,
  draftRevert,
  finishRevert,
  noteEffects,
  rollBack,
  type Tree,
  textOf,
} from './transaction.js';
import { type Verified, verify } from './verify.js';

export interface ApplyOptions {
  /** Write into this tree, and do nothing else. */
  root?: string;
  /** Keys of `--machine`. */
  machine?: string;
  /** Lets pass what is refused as unwise, or changed by somebody. */
  force?: boolean;
  /** Until the next boot. */
  runtime?: boolean;
  /** Whether services may be started anew; they may where it is not said. */
  restart?: boolean;
  env?: NodeJS.ProcessEnv;
  uid?: number;
  system?: System;
  /** For tests: called before each change of the file system. */
  hook?: Hook;
}

/** How one file differs from the plan. */
export interface FileDiff {
  path: string;
  why: string;
  change: 'new' | 'changed' | 'removed';
  /** Unified. */
  diff: string;
}

/** What a plan would do. */
export interface Preview {
  plan: string;
  summary: string;
  /** Whether the files are written into a tree, on trial, or for good. */
  way: 'tree' | 'trial' | 'for good';
  files: FileDiff[];
  /** What is done afterwards, as lines. */
  commands: string[];
  sums: Sums;
  notes: string[];
  left: LeftOver[];
  /** A change that a crash cut short: what comes of it first. */
  interrupted?: 'apply' | 'revert';
  /** Files that somebody has changed since. */
  edited: string[];
}

/** What was done. */
export interface ApplyReport extends Preview {
  outcome: 'nothing' | 'applied' | 'reverted' | 'rolled-back';
  /** What was put right first. */
  recovered?: string;
  /** Absent in a tree, and after a revert. */
  verified?: Verified;
  /** Why it was rolled back. */
  failure?: { step: string; said: string };
  /** What could not be taken back, or was kept, as sentences. */
  remarks: string[];
}

/** A plan on this machine, looked at and not yet applied. */
export interface Prepared {
  plan: Plan;
  compiled: Compiled;
  preview: Preview;
  options: ApplyOptions;
}

interface Ground extends Tree {
  store: JournalStore;
  system: System;
  isTree: boolean;
  uid: number;
}

/**
 * Compiles a plan for this machine and compares it with what is there. Changes nothing.
 * @throws {UsageError} for limits that would harm, and a file that cannot be merged with
 * @throws {UnavailableError} where files cannot be read
 */
export async function preparePlan(plan: Plan, options: ApplyOptions = {}): Promise<Prepared> {
  const { root = '', env = process.env } = options;
  const ground = groundOf(plan.name, options);
  const here = machineOf(env);
  const machine: Machine =
    options.machine === undefined ? here : parseMachineOverride(options.machine, here);
  const place = { ...placeHere(), root, uid: ground.uid, env };
  const facts = await readFacts(place, { machine, services: servicesIn(plan) });
  const whole = await compilePlan(plan, facts, {
    force: options.force ?? false,
    runtime: options.runtime ?? false,
    env,
  });
  const compiled = partFor(whole, ground, plan);
  const journal = tolerantLoad(ground.store);
  const draft = draftApply(compiled.files, journal, root);
  return {
    plan,
    compiled,
    options,
    preview: previewOf(plan, compiled, { draft, journal, options }),
  };
}

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
    const recovered = await recover(ground, compiled.units);
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
    open = begin('apply', draft, store, ground);
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
    const remarks = await backOut(left, compiled.units, ground);
    return { step, remarks };
  }
}

/** Takes an open change back: effects, files, and what had read them. */
async function backOut(
  journal: Journal,
  units: readonly UnitWish[],
  ground: Ground,
): Promise<string[]> {
  const { store, system, isTree } = ground;
  const effects = journal.open?.effects ?? NO_EFFECTS;
  const remarks = isTree ? [] : await undoEffects(effects, system);
  const { kept } = rollBack(journal, store, ground);
  remarks.push(
    ...kept.map((path) => `${path} was changed by somebody meanwhile, and is left as it is`),
  );
  if (!isTree) remarks.push(...(await settleBack(effects, units, managersFor(ground), system)));
  return remarks;
}

/**
 * Puts right what a crash left: an apply is rolled back, a revert is finished.
 * @returns what was done, as a sentence; undefined where there was nothing
 */
async function recover(ground: Ground, units: readonly UnitWish[]): Promise<string | undefined> {
  const journal = ground.store.load();
  const { open } = journal;
  if (open === undefined) return undefined;
  if (open.kind === 'apply') {
    const remarks = await backOut(journal, units, ground);
    return ['an apply that did not end was rolled back', ...remarks].join('; ');
  }
  const { kept } = await finish(journal, units, ground);
  return ['a revert that did not end was finished', ...kept].join('; ');
}

async function finish(
  journal: Journal,
  units: readonly UnitWish[],
  ground: Ground,
): Promise<{ kept: string[] }> {
  const { store, system, isTree } = ground;
  const { effects } = journal;
  const remarks = isTree ? [] : await undoEffects(effects, system);
  const { kept } = finishRevert(journal, store, ground);
  remarks.push(
    ...kept.map((path) => `${path} was changed by somebody meanwhile, and is left as it is`),
  );
  if (!isTree) remarks.push(...(await settleBack(effects, units, managersFor(ground), system)));
  return { kept: remarks };
}

/**
 * Puts every file and value back as it was before the plan was applied.
 * @throws {UsageError} for a file that somebody changed since, unless forced
 * @throws {UnavailableError} where the plan is not applied, or files cannot be written
 */
export async function revertPlan({
  plan,
  compiled,
  preview,
  options,
}: Prepared): Promise<ApplyReport> {
  const { root = '', force = false } = options;
  const ground = groundOf(plan.name, options);
  needSystemd(ground);
  const release = holdPlan(ground.store.folder);
  try {
    const recovered = await recover(ground, compiled.units);
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
    if (isEmpty(journal))
      return { ...base, outcome: recovered === undefined ? 'nothing' : 'reverted' };
    const draft = draftRevert(journal, root);
    if (!force) refuseForeign(draft);
    const files = diffsOf(draft, {});
    const kept = keepCopies(draft, root);
    const opened = beginRevert(draft, ground);
    const { kept: remarks } = await finish(opened, compiled.units, ground);
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
    open: { kind: 'revert', moves: draft.moves, folders: [], effects: NO_EFFECTS },
  };
  store.save(opened);
  return opened;
}

/** What has drifted from a plan since it was applied. */
export interface CheckReport {
  plan: string;
  /** Whether there is a journal of it. */
  isApplied: boolean;
  interrupted?: 'apply' | 'revert';
  files: FileDiff[];
  verified?: Verified;
  notes: string[];
  isAsPlanned: boolean;
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

function groundOf(plan: string, options: ApplyOptions): Ground {
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

function needSystemd({ isTree }: Ground): void {
  if (isTree || !isWithoutSystemd()) return;
  throw new UnavailableError('systemd does not run here', {
    why: 'What a plan writes is for systemd, and could not be seen in force.',
    remedy: 'to write the files into a tree instead: rlimit apply PLAN --root DIR',
  });
}

/** Root writes what is the system's, everybody else what is their own; the rest is told. */
function partFor(compiled: Compiled, { uid, isTree }: Ground, plan: Plan): Compiled {
  const mine: ManagerKind = isTree || uid === 0 ? 'system' : 'user';
  const others = compiled.files.filter(({ manager }) => manager !== mine);
  const files = compiled.files.filter(({ manager }) => manager === mine);
  const units = compiled.units.filter(({ manager }) => manager === mine);
  const actions = compiled.actions.filter((action) =>
    action.do === 'reload' ? action.manager === mine : mine === 'system',
  );
  const told: LeftOver[] =
    others.length === 0
      ? []
      : [
          otherPart(
            mine,
            others.map(({ why }) => why),
            plan,
          ),
        ];
  if (mine === 'system')
    return { ...compiled, files, units, actions, left: [...compiled.left, ...told] };
  const { tryOut: _, ...rest } = compiled;
  return { ...rest, files, units, actions, wishes: [], made: [], left: told };
}

function otherPart(mine: ManagerKind, whys: readonly string[], { name, file }: Plan): LeftOver {
  const what = [...new Set(whys)].join(', ');
  return mine === 'user'
    ? { what: `left to root: ${what}`, run: `sudo rlimit apply ${file ?? name}` }
    : { what: `left to each user: ${what}`, run: `rlimit apply ${file ?? name}` };
}

function managersFor({ uid }: Ground): ManagerKind[] {
  return [uid === 0 ? 'system' : 'user'];
}

/** The journal of root cannot be read by others, who may compare all the same. */
function tolerantLoad(store: JournalStore): Journal {
  try {
    return store.load();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    return { version: 1, plan: store.plan, applied: [], folders: [], effects: NO_EFFECTS };
  }
}

function previewOf(
  plan: Plan,
  compiled: Compiled,
  { draft, journal, options }: { draft: Draft; journal: Journal; options: ApplyOptions },
): Preview {
  const { root = '', runtime = false, restart = true } = options;
  const whys = Object.fromEntries(compiled.files.map(({ path, why }) => [path, why]));
  const { sums, notes, left } = compiled;
  return {
    plan: plan.name,
    summary: plan.summary,
    way: root !== '' ? 'tree' : runtime ? 'trial' : 'for good',
    files: diffsOf(draft, whys),
    commands: root !== '' ? [] : commandsOf(compiled.actions, restart),
    sums,
    notes,
    left,
    edited: draft.edited,
    ...(journal.open === undefined ? {} : { interrupted: journal.open.kind }),
  };
}

function diffsOf({ moves, contents }: Draft, whys: Readonly<Record<string, string>>): FileDiff[] {
  return moves.map(({ path, from, to }) => ({
    path,
    why: whys[path] ?? 'no part of the plan any more',
    change: from.kind === 'absent' ? 'new' : to.kind === 'absent' ? 'removed' : 'changed',
    diff: unifiedDiff(textOf(from, contents), textOf(to, contents), {
      from: from.kind === 'absent' ? '/dev/null' : path,
      to: to.kind === 'absent' ? '/dev/null' : path,
    }),
  }));
}

/** What somebody wrote is not thrown away: a copy stays beside the file. */
function keepCopies({ edited }: Draft, root: string): string[] {
  return edited.map((path) => {
    const copy = `${path}.rlimit-kept`;
    copyFileSync(`${root}${path}`, `${root}${copy}`);
    return `${path} had been changed by somebody; that is kept as ${copy}`;
  });
}
