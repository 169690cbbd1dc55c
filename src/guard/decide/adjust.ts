/** The largest that may be ended are the kernel's first choice as well: oom_score_adj. */
import type { ProcessSample } from '../../model/index.js';
import { roughBytes } from '../../quantity/index.js';
import { heirsOf } from './heirs.js';
import type { Step } from './ladder.js';
import type { Action, GuardState, Inherited } from './types.js';
import { isOpen, orderOf } from './victims.js';
import { heldBy, keyOf, nameOf, processOf, type View } from './view.js';

/** Who has been among them stays so, until somebody is larger by this factor: figures flicker. */
const KEEPS = 1.1;

/** Who gets a score, and who gets the old one back. */
export function adjustScores(view: View): Step & Pick<GuardState, 'adjusted' | 'inherited'> {
  const heirs = heirsOf(view.state, view.sample, view.byPid);
  const alive = Object.entries(view.state.adjusted).filter(
    ([key]) => processOf(key, view) !== undefined,
  );
  const before = Object.fromEntries(alive);
  const chosen = largest(view, before, heirs);
  const { score } = view.settings.dynamic_adjustment;
  const actions: Action[] = [];
  const adjusted: GuardState['adjusted'] = {};
  for (const [key, record] of alive) {
    const process = processOf(key, view);
    // One that holds nothing any more is on its way out: its score is nobody's to change by then.
    const isLeaving = process !== undefined && heldBy(process) === 0;
    if ((chosen.has(key) && record.to === score) || isLeaving) adjusted[key] = record;
    else actions.push(restored(record, view));
  }
  // Seldom is anybody chosen anew.
  const since = () => ({ sinceTicks: youngest(view) });
  for (const [key, process] of chosen) {
    if (adjusted[key] !== undefined) continue;
    const heir = heirs[key];
    if (heir?.to === score) {
      // It has the score already, and from now on by itself.
      adjusted[key] = { ...nameOf(process), from: heir.from, to: score, ...since() };
      continue;
    }
    // One whose score was another before that is back to it by the restoration above.
    const from = before[key]?.from ?? process.oomScoreAdj ?? 0;
    adjusted[key] = { ...nameOf(process), from, to: score, ...since() };
    const why = `it holds ${roughBytes(heldBy(process))}, among the most of what may be ended`;
    actions.push({ do: 'adjust', process: nameOf(process), from, to: score, why });
  }
  const inherited: GuardState['inherited'] = {};
  for (const [key, heir] of Object.entries(heirs)) {
    if (adjusted[key] !== undefined) continue;
    if (adjusted[heir.heirOf]?.to === heir.to) inherited[key] = heir;
    else actions.push(unmarked(heir));
  }
  return { actions, adjusted, inherited };
}

function unmarked({ from, to, heirOf: _, ...process }: Inherited): Action {
  const why = 'it was born with that, and who it was from is not marked any more';
  return { do: 'restore', process, from: to, to: from, why };
}

/** Whoever is marked now has started nobody later than this. */
function youngest({ sample }: View): number {
  return sample.processes.reduce((most, { startTicks }) => Math.max(most, startTicks), 0);
}

function restored(record: GuardState['adjusted'][string], view: View): Action {
  const { from, to, sinceTicks: _, ...process } = record;
  const { enabled, count } = view.settings.dynamic_adjustment;
  const why = enabled ? `it is no longer among the ${count} largest` : 'scores are left alone now';
  return { do: 'restore', process, from: to, to: from, why };
}

function largest(
  view: View,
  before: GuardState['adjusted'],
  heirs: GuardState['inherited'],
): Map<string, ProcessSample> {
  const { enabled, count, score } = view.settings.dynamic_adjustment;
  const most: Weighed[] = [];
  if (!enabled || count === 0) return new Map();
  const marked = new Set(Object.values(before).map(({ pid }) => pid));
  for (const process of view.sample.processes) {
    const isMarked = marked.has(process.pid) && before[keyOf(process)] !== undefined;
    const one = { process, weight: heldBy(process) * (isMarked ? KEEPS : 1) };
    const last = most[count - 1];
    // Nearly all are too small, and nothing more has to be asked of them.
    if (one.weight <= 0 || (last !== undefined && order(one, last) > 0)) continue;
    const isOpenTo = isMarked || isFree(process, score) || heirs[keyOf(process)] !== undefined;
    if (!isOpenTo || !mayAdjust(process, view)) continue;
    most.push(one);
    most.sort(order);
    if (most.length > count) most.pop();
  }
  return new Map(most.map(({ process }) => [keyOf(process), process]));
}

interface Weighed {
  process: ProcessSample;
  weight: number;
}

/** The same figures give the same ones, in whatever order processes come. */
function order(a: Weighed, b: Weighed): number {
  return b.weight - a.weight || a.process.pid - b.process.pid;
}

function mayAdjust(process: ProcessSample, view: View): boolean {
  if (!isOpen(process, view) || orderOf(process, view) === 'avoid') return false;
  return !view.state.refused.includes(`adjust ${keyOf(process)}`);
}

/** Somebody has given it a score below 0, to keep it, or one that is as high already. */
function isFree({ oomScoreAdj }: ProcessSample, score: number): boolean {
  return oomScoreAdj !== undefined && oomScoreAdj >= 0 && oomScoreAdj < score;
}
