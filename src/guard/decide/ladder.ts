/** The graduated response: which rung a machine is on, and what goes with the lower two. */
import { counted } from '../../text/counted.js';
import type { Action, Rung } from './types.js';
import { percentText, type View } from './view.js';

/** What a part of a decision adds to it. */
export interface Step {
  actions: Action[];
  why?: string[];
}

/** A rung above 0, and whether this sample is the first on it. */
export interface Climb {
  rung: Rung;
  calmSinceMs?: number;
}

/**
 * The rung after a sample: up at once, and down to where the figures are once they have been above a
 * rung's threshold by the hysteresis for a while. So one shortage climbs the ladder once.
 */
export function climb({ available, sample, settings, state }: View): Climb {
  const { graduated } = settings;
  if (!graduated.enabled) return { rung: 0 };
  const reached = rungAt(available, graduated);
  if (reached >= state.rung) return { rung: reached };
  const calm = rungAt(available - graduated.hysteresis_percent, graduated);
  if (calm >= state.rung) return { rung: state.rung };
  const sinceMs = Math.min(state.calmSinceMs ?? sample.atMs, sample.atMs);
  if (sample.atMs - sinceMs < graduated.calm_seconds * 1000) {
    return { rung: state.rung, calmSinceMs: sinceMs };
  }
  return { rung: calm };
}

type Thresholds = View['settings']['graduated'];

function rungAt(available: number, graduated: Thresholds): Rung {
  if (available <= graduated.freeze_percent) return 3;
  if (available <= graduated.tokens_percent) return 2;
  return available <= graduated.warn_percent ? 1 : 0;
}

/** Warns once in an episode, as it begins. */
export function warn(view: View, rung: Rung): Step {
  if (rung === 0 || view.state.rung > 0) return { actions: [] };
  const { warn_percent } = view.settings.graduated;
  const why = `${percentText(view.available)} of memory is available, at or below ${warn_percent} %`;
  return { actions: [{ do: 'warn', why }] };
}

/** On the second rung runs have a quarter of the CPUs as tokens, on the third none. */
const PART_OF_CPUS = 4;

/** Takes tokens from the jobservers of runs, and lets them have them again. */
export function takeTokens(view: View, rung: Rung): Step {
  const most = mostTokens(rung, view.sample.cpu?.cpus ?? 1);
  if (most === view.state.tokens) return { actions: [] };
  const share = `${percentText(view.available)} of memory is available`;
  if (most === undefined) {
    return { actions: [{ do: 'tokens', why: `${share}: runs may have all their tokens again` }] };
  }
  const jobs = `${counted(most + 1, 'job')} at a time`;
  return { actions: [{ do: 'tokens', most, why: `${share}: each run has ${jobs}` }] };
}

export function mostTokens(rung: Rung, cpus: number): number | undefined {
  if (rung < 2) return undefined;
  return rung === 2 ? Math.floor(cpus / PART_OF_CPUS) : 0;
}
