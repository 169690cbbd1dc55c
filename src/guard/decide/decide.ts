import type { MachineSample } from '../../model/index.js';
import { adjustScores } from './adjust.js';
import { backstop } from './backstop.js';
import { freezeAndThaw } from './freezing.js';
import { climb, mostTokens, takeTokens, warn } from './ladder.js';
import { breakLivelocks } from './livelock.js';
import { protect } from './protection.js';
import type { Decision, GuardSettings, GuardState } from './types.js';
import { processOf, type View, viewOf } from './view.js';

/**
 * What a sample leads to. No clock, no file and no process: the same samples lead to the same decisions,
 * so that any of them can be replayed. The state reckons with every step being carried out; one that was
 * not is told by `refuse`.
 */
export function decide(
  state: GuardState,
  sample: MachineSample,
  settings: GuardSettings,
): Decision {
  const view = viewOf(state, sample, settings);
  const { rung, calmSinceMs } = climb(view);
  const isOver = rung === 0;
  const ends = backstop(view);
  const frost = freezeAndThaw(view, rung, ends.ending?.key);
  const stalls = breakLivelocks(view);
  const scores = adjustScores(view);
  const shelter = protect(view);
  const parts = [warn(view, rung), ends, takeTokens(view, rung), frost, stalls, shelter, scores];
  const said = parts.flatMap(({ why = [] }) => why);
  // Within an episode what has been said once is known; figures in it may differ.
  const told = isOver && ends.why === undefined ? [] : state.told;
  const fresh = said.filter((text) => !told.includes(subjectOf(text)));
  const tokens = mostTokens(rung, sample.cpu?.cpus ?? 1);
  const { ending } = ends;
  const frostMs = frost.frostMs ?? state.frostMs;
  return {
    actions: parts.flatMap(({ actions }) => actions),
    why: fresh,
    state: {
      scene: state.scene,
      rung,
      ...(calmSinceMs === undefined ? {} : { calmSinceMs }),
      ...(tokens === undefined ? {} : { tokens }),
      frozen: frost.frozen,
      ...(frostMs === undefined ? {} : { frostMs }),
      spared: frost.spared,
      ...(ending === undefined ? {} : { ending }),
      adjusted: scores.adjusted,
      inherited: scores.inherited,
      protected: shelter.protected,
      refused: stillRefused(view),
      stalls: stalls.stalls,
      told: [...new Set([...told, ...fresh.map(subjectOf)])],
    },
  };
}

/** A sentence without its figures: the same thing said again. */
function subjectOf(text: string): string {
  return text.replace(/\d+(\.\d+)?/g, '#');
}

/** Notes that a step failed: it is not tried again as long as its subject lives. */
export function refuse(state: GuardState, what: string, key: string): GuardState {
  const note = `${what} ${key}`;
  const refused = state.refused.includes(note) ? state.refused : [...state.refused, note];
  return { ...forget(state, what, key), refused };
}

/** Notes that a step was not taken: it may be tried again. */
export function forget(state: GuardState, what: string, key: string): GuardState {
  switch (what) {
    case 'adjust':
      return { ...state, adjusted: without(state.adjusted, key) };
    case 'protect':
      return { ...state, protected: without(state.protected, key) };
    case 'freeze':
      return { ...state, frozen: state.frozen.filter(({ unit }) => unit !== key) };
    default:
      return state;
  }
}

function without<T>(record: Readonly<Record<string, T>>, key: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([each]) => each !== key));
}

function stillRefused(view: View): string[] {
  const { state, sample } = view;
  if (state.refused.length === 0) return state.refused;
  const units = new Set(sample.units.map(({ unit }) => unit));
  return state.refused.filter((note) => {
    const key = note.slice(note.indexOf(' ') + 1);
    return units.has(key) || processOf(key, view) !== undefined;
  });
}
