/** The last resort before the kernel's own: the largest that may be ended is ended. */
import { roughBytes } from '../../quantity/index.js';
import { printable } from '../../text/safe.js';
import type { Step } from './ladder.js';
import type { Action, Ending, EndSignal } from './types.js';
import { type Candidate, candidates, nextVictim } from './victims.js';
import { percentText, processOf, type View } from './view.js';

/** How long one that got a signal may take to go, before the next is chosen. */
const TERM_MS = 4000;
/** A process of many gigabytes takes a second and more to give them back. */
const KILL_MS = 6000;

/** What is to be ended now. `ending` is the one that is on its way out then. */
export function backstop(view: View): Step & { ending?: Ending } {
  const ending = stillEnding(view);
  const signal = signalNow(view);
  if (signal === undefined) return { actions: [], ...kept(ending) };
  const yields = yieldsTo(view);
  if (yields !== undefined) return { actions: [], why: [yields] };
  if (ending !== undefined) return goOn(view, ending, signal);
  return choose(view, signal);
}

function signalNow({ sample: { memory }, settings, available }: View): EndSignal | undefined {
  const { enabled, term_percent, kill_percent, swap_percent } = settings.backstop;
  if (!enabled) return undefined;
  const isSwapLow =
    memory.swapTotal === 0 || (memory.swapFree / memory.swapTotal) * 100 <= swap_percent;
  if (!isSwapLow) return undefined;
  if (available <= kill_percent) return 'SIGKILL';
  return available <= term_percent ? 'SIGTERM' : undefined;
}

/** earlyoom of root's does the same by the same figures: two would end two where one is enough. */
function yieldsTo({ sample, settings, available }: View): string | undefined {
  if (!settings.backstop.yield_to_earlyoom) return undefined;
  const other = sample.processes.find(({ comm, uid }) => comm === 'earlyoom' && uid === 0);
  if (other === undefined) return undefined;
  return `${percentText(available)} of memory is available: nothing is ended, since earlyoom (PID ${other.pid}) does that here`;
}

function stillEnding(view: View): Ending | undefined {
  const { ending } = view.state;
  if (ending === undefined) return undefined;
  const isThere =
    processOf(ending.key, view) !== undefined ||
    view.sample.units.some(({ unit }) => unit === ending.key);
  return isThere ? ending : undefined;
}

/** The last victim is still there: it is waited for, told more clearly, or given up. */
function goOn(view: View, ending: Ending, signal: EndSignal): Step & { ending?: Ending } {
  const waitedMs = Math.max(0, view.sample.atMs - ending.atMs);
  const victim = candidates(view).find(({ key }) => key === ending.key);
  if (ending.signal === 'SIGTERM' && victim !== undefined) {
    if (signal === 'SIGTERM' && waitedMs < TERM_MS) return { actions: [], ending };
    const how = signal === 'SIGKILL' ? '' : `; SIGTERM has not ended it for ${TERM_MS / 1000} s`;
    return end(view, victim, 'SIGKILL', how);
  }
  if (victim !== undefined && waitedMs < KILL_MS) return { actions: [], ending };
  return choose(view, signal, ending.key);
}

function choose(view: View, signal: EndSignal, except?: string): Step & { ending?: Ending } {
  const { backstop: settings } = view.settings;
  const least = (settings.least_percent / 100) * view.sample.memory.total;
  const open = candidates(view).filter(({ key }) => key !== except);
  const victim = nextVictim(open, least);
  if (victim !== undefined) return end(view, victim, signal, '');
  const why =
    `${percentText(view.available)} of memory is available, but nothing that may be ended holds ` +
    `${roughBytes(least)} (${settings.least_percent} % of the memory)`;
  return { actions: [], why: [why] };
}

function end(
  view: View,
  { key, memory, process, unit }: Candidate,
  wanted: EndSignal,
  more: string,
): Step & { ending: Ending } {
  const { term_percent, kill_percent } = view.settings.backstop;
  const threshold = view.available <= kill_percent ? kill_percent : term_percent;
  // What stands still hears SIGTERM only once it goes on, and would take more memory then.
  const isFrozen = unit !== undefined && view.state.frozen.some((each) => each.unit === unit.unit);
  const signal = isFrozen ? 'SIGKILL' : wanted;
  const what = unit === undefined ? printable(process?.comm ?? '') : unit.unit;
  const why =
    `${percentText(view.available)} of memory is available, at or below ${threshold} %: ` +
    `${what} holds ${roughBytes(memory)}, the most of what may be ended${more}`;
  const ending = { key, signal, atMs: view.sample.atMs };
  const action: Action[] =
    unit !== undefined
      ? [{ do: 'endUnit', unit: unit.unit, cgroup: unit.cgroup, signal, memory, why }]
      : process === undefined
        ? []
        : [{ do: 'end', process, signal, memory, why }];
  return { actions: action, ending };
}

function kept(ending: Ending | undefined): { ending?: Ending } {
  return ending === undefined ? {} : { ending };
}
