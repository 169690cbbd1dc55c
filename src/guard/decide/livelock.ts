/**
 * The stall between memory.high and memory.max without swap: the kernel slows a cgroup down for ever and
 * kills nothing. It is told as `watch` tells it for one unit, by the figures of a sample.
 */
import type { UnitSample } from '../../model/index.js';
import { roughBytes } from '../../quantity/index.js';
import type { Step } from './ladder.js';
import type { Action, GuardState, StallTrack } from './types.js';
import { isManaged, mayTouch, type View } from './view.js';

/** From how much of the time on, in percent, with all tasks waiting for memory, it counts. */
const STALLED_PERCENT = 40;
/** Less swap than this is none: the kernel keeps some pages back. */
const NO_ROOM = 1024 * 1024;
/** With more of its memory in files than this the kernel has something to take back. */
const FILES = 0.1;

/** Which stalls are to be broken. */
export function breakLivelocks(view: View): Step & Pick<GuardState, 'stalls'> {
  const stalls: GuardState['stalls'] = {};
  const step: Required<Step> = { actions: [], why: [] };
  if (!view.settings.livelock.enabled) return { ...step, stalls };
  for (const unit of view.sample.units) {
    const track = trackOf(unit, view);
    if (track === undefined) continue;
    const isDue = view.sample.atMs - track.sinceMs >= view.settings.livelock.after_seconds * 1000;
    const climbs = (unit.events.high ?? 0) > track.high;
    if (track.done || !isDue || !climbs) {
      stalls[unit.unit] = track;
      continue;
    }
    stalls[unit.unit] = { ...track, done: true };
    const done = breaking(unit, track, view);
    if (typeof done === 'string') step.why.push(done);
    else step.actions.push(done);
  }
  return { ...step, stalls };
}

function trackOf(unit: UnitSample, view: View): StallTrack | undefined {
  if (!isStuck(unit, view)) return undefined;
  const { high = 0, max = 0, oomKill = 0 } = unit.events;
  const before = view.state.stalls[unit.unit];
  // Somebody was killed, or the hard limit was met: it moves, and is looked at anew.
  if (before !== undefined && before.max === max && before.oomKill === oomKill) return before;
  return { sinceMs: view.sample.atMs, high, max, oomKill };
}

function isStuck({ use, limits, pressure, frozen }: UnitSample, { sample }: View): boolean {
  const { memoryHigh: high, memoryMax: max, swapMax } = limits;
  if (frozen === true || typeof high !== 'number' || use.memory === undefined) return false;
  if (typeof max === 'number' && max <= high) return false;
  const free = sample.memory.swapTotal === 0 ? 0 : sample.memory.swapFree;
  const own = typeof swapMax === 'number' ? swapMax - (use.swap ?? 0) : Number.POSITIVE_INFINITY;
  if (Math.min(free, own) >= NO_ROOM) return false;
  if (use.memory < high || (pressure.memory?.full ?? 0) < STALLED_PERCENT) return false;
  return use.anon === undefined || use.memory - use.anon <= use.memory * FILES;
}

function breaking(unit: UnitSample, track: StallTrack, view: View): Action | string {
  const { action } = view.settings.livelock;
  const seconds = Math.round((view.sample.atMs - track.sinceMs) / 1000);
  const { memoryHigh, memoryMax } = unit.limits;
  const why =
    `${unit.unit} has stood still for ${seconds} s: ${roughBytes(unit.use.memory ?? 0)} at ` +
    `MemoryHigh=${roughBytes(memoryHigh as number)} without swap, all its tasks wait for memory ` +
    `${Math.round(unit.pressure.memory?.full ?? 0)} % of the time`;
  if (action === 'warn') return `${why}; it is left so, as livelock.action says`;
  // Without a hard limit to run into, it would take the machine's memory instead.
  const how = action === 'raise' && typeof memoryMax === 'number' ? 'raise' : 'kill';
  const spare = view.sample.processes
    .filter(
      (process) =>
        view.vital.has(process.pid) ||
        isManaged(process, view.settings) ||
        !mayTouch(process, view),
    )
    .map(({ pid }) => pid);
  return { do: 'breakLivelock', unit: unit.unit, cgroup: unit.cgroup, how, spare, why };
}
