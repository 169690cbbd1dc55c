/** The third rung: the youngest limited run of ours stands still for a while. */
import type { UnitSample } from '../../model/index.js';
import { roughBytes } from '../../quantity/index.js';
import type { Step } from './ladder.js';
import type { GuardState, Rung } from './types.js';
import { isOpen } from './victims.js';
import { isIn, percentText, type View } from './view.js';

/** From one run that is frozen or thawed to the next: memory has to show what came of it. */
const PAUSE_MS = 5000;

type Frozen = GuardState['frozen'];

/**
 * What is to be frozen and thawed, and what is frozen then.
 * @param ending name of the unit that is being ended: it has to run to hear that
 */
export function freezeAndThaw(
  view: View,
  rung: Rung,
  ending?: string,
): Step & Pick<GuardState, 'frozen' | 'spared'> & { frostMs?: number } {
  const { atMs } = view.sample;
  const known = new Map(view.sample.units.map((unit) => [unit.unit, unit]));
  const frozen = view.state.frozen.filter(({ unit }) => known.has(unit));
  const spared = Object.fromEntries(
    Object.entries(view.state.spared).filter(
      ([unit, untilMs]) => known.has(unit) && untilMs > atMs,
    ),
  );
  const thawed = toThaw(view, frozen, rung);
  if (thawed !== undefined) {
    const pauseMs = view.settings.graduated.freeze_pause_seconds * 1000;
    return {
      actions: [{ do: 'thaw', unit: thawed.unit, cgroup: thawed.cgroup, why: thawed.why }],
      frozen: frozen.filter(({ unit }) => unit !== thawed.unit),
      spared: thawed.isLate ? { ...spared, [thawed.unit]: atMs + pauseMs } : spared,
      frostMs: atMs,
    };
  }
  const youngest = rung === 3 ? toFreeze(view, frozen, spared, ending) : undefined;
  if (youngest === undefined) return { actions: [], frozen, spared };
  const { unit, cgroup } = youngest;
  const { freeze_percent, freeze_seconds: seconds } = view.settings.graduated;
  const why =
    `${percentText(view.available)} of memory is available, at or below ` +
    `${freeze_percent} %: the youngest limited run stands still, with ` +
    roughBytes(held(youngest));
  return {
    actions: [{ do: 'freeze', unit, cgroup, seconds, why }],
    frozen: [...frozen, { unit, cgroup, sinceMs: atMs }],
    spared,
    frostMs: atMs,
  };
}

function toThaw({ sample, settings, state, available }: View, frozen: Frozen, rung: Rung) {
  const { enabled, freeze_seconds, freeze_percent, hysteresis_percent } = settings.graduated;
  const late = frozen.find(({ sinceMs }) => sample.atMs - sinceMs >= freeze_seconds * 1000);
  if (late !== undefined) {
    return { ...late, isLate: true, why: `it has stood still for ${freeze_seconds} s` };
  }
  const [first] = frozen;
  if (first === undefined) return undefined;
  const isOver = !enabled || rung < 3;
  const hasRoom = available >= freeze_percent + hysteresis_percent;
  const isSoon = sample.atMs - (state.frostMs ?? 0) < PAUSE_MS;
  if (!(isOver || (hasRoom && !isSoon))) return undefined;
  return { ...first, isLate: false, why: `${percentText(available)} of memory is available again` };
}

function toFreeze(
  view: View,
  frozen: Frozen,
  spared: GuardState['spared'],
  ending: string | undefined,
): UnitSample | undefined {
  const { sample, settings, state, available } = view;
  if (available > settings.graduated.freeze_percent) return undefined;
  if (state.frostMs !== undefined && sample.atMs - state.frostMs < PAUSE_MS) return undefined;
  return view.ownScopes
    .filter(
      (unit) =>
        unit.frozen !== true &&
        unit.unit !== ending &&
        spared[unit.unit] === undefined &&
        !frozen.some((each) => each.unit === unit.unit) &&
        !state.refused.includes(`freeze ${unit.unit}`) &&
        mayStand(unit, view),
    )
    .reduce<UnitSample | undefined>(younger, undefined);
}

/** Nothing that must live is stopped with a run. */
function mayStand({ cgroup }: UnitSample, view: View): boolean {
  const inside = view.sample.processes.filter((process) => isIn(process.cgroup, cgroup));
  return inside.length > 0 && inside.every((process) => isOpen(process, view));
}

function younger(youngest: UnitSample | undefined, each: UnitSample): UnitSample {
  return youngest === undefined || (each.started ?? 0) > (youngest.started ?? 0) ? each : youngest;
}

function held({ use: { anon, memory = 0, swap = 0 } }: UnitSample): number {
  return (anon ?? memory) + swap;
}
