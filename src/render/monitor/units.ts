/** Limited units, each with its use beside its own limits. */
import type { Amount, UnitSample } from '../../model/index.js';
import { counted, printable } from '../../text/index.js';
import { humanBytes, humanCores } from '../figures.js';
import { cut, paragraph, style } from '../style.js';
import { type LimitUse, limitUses } from '../unit-use.js';
import { alarming, bar, percentOf } from './bars.js';
import type { MonitorLayout, MonitorSort } from './view.js';

const BAR = 10;
/** `tasks  <1%` and the like behind the bar. */
const FULLEST = 12;

/** In the order that was asked for; names decide between equals. */
export function sortUnits(units: readonly UnitSample[], sort: MonitorSort): UnitSample[] {
  const figure = ({ use }: UnitSample) =>
    sort === 'memory' ? (use.memory ?? 0) : sort === 'cpu' ? (use.cores ?? 0) : 0;
  return [...units].sort((a, b) => figure(b) - figure(a) || (a.unit < b.unit ? -1 : 1));
}

/** Two or three lines of a unit. */
export function unitLines(unit: UnitSample, layout: MonitorLayout, isSelected: boolean): string[] {
  const notes = notesOf(unit);
  return [
    titleOf(unit, layout, isSelected),
    `    ${figuresOf(unit)}`,
    ...(notes.length === 0
      ? []
      : paragraph(style.warning(notes.join(', ')), { indent: 4, width: layout.width }).split('\n')),
  ];
}

function titleOf(unit: UnitSample, layout: MonitorLayout, isSelected: boolean): string {
  const right = BAR + FULLEST + 2;
  const room = Math.max(12, layout.width - right - 3);
  const profile = unit.profile === undefined ? '' : `  ${printable(unit.profile)}`;
  const name = cut(printable(unit.unit) + profile, room);
  const marked = isSelected ? '> ' : '  ';
  const fullest = fullestOf(unit);
  const padded = isSelected ? style.heading(name.padEnd(room)) : style.name(name.padEnd(room));
  if (fullest === undefined) return marked + padded.trimEnd();
  const { part, limit } = fullest;
  const text = `${SHORT[limit]} ${percentOf(part)}`.padStart(FULLEST);
  return `${marked}${padded} ${bar(part, { ...layout, width: BAR })}${alarming(part, text)}`;
}

const SHORT: Record<LimitUse['limit'], string> = {
  memory_max: 'memory',
  memory_high: 'high',
  swap_max: 'swap',
  cpu_max: 'cpu',
  tasks_max: 'tasks',
};

/** The limit of which most is used. */
function fullestOf(unit: UnitSample): LimitUse | undefined {
  return limitUses(unit).reduce<LimitUse | undefined>(
    (most, use) => (most === undefined || use.part > most.part ? use : most),
    undefined,
  );
}

function figuresOf({ use, limits }: UnitSample): string {
  const most = tighter(limits.memoryMax, limits.memoryHigh);
  const texts = [
    `memory ${pair(use.memory, most, humanBytes)}`,
    `swap ${pair(use.swap, limits.swapMax, humanBytes)}`,
    `cpu ${pair(use.cores, limits.cores, humanCores)}`,
    `tasks ${pair(use.tasks, limits.tasksMax, String)}`,
  ];
  return texts.join('  ');
}

/** `1.2G/8G 15%`; without a limit only `1.2G`. */
function pair(
  used: number | undefined,
  most: Amount | undefined,
  text: (value: number) => string,
): string {
  const has = used === undefined ? '-' : text(used);
  if (typeof most !== 'number') return has;
  const part = used === undefined || most === 0 ? '' : ` ${percentOf(used / most)}`;
  return `${has}/${text(most)}${part}`;
}

function tighter(max: Amount | undefined, high: Amount | undefined): Amount | undefined {
  if (typeof max !== 'number') return typeof high === 'number' ? high : max;
  return typeof high === 'number' ? Math.min(max, high) : max;
}

/** What has happened to it that a person wants to know of. */
function notesOf({ events, frozen, use, limits, pressure }: UnitSample): string[] {
  const waits = pressure.memory?.some ?? 0;
  const { oomKill = 0, periods = 0, throttled = 0 } = events;
  const isOverHigh =
    typeof limits.memoryHigh === 'number' && (use.memory ?? 0) >= limits.memoryHigh;
  return [
    ...(frozen === true ? ['frozen'] : []),
    ...(oomKill > 0
      ? [`${counted(oomKill, 'process', 'processes')} killed for lack of memory`]
      : []),
    ...(waits > 0 ? [`waits for memory ${waits.toFixed(1)}% of the time`] : []),
    ...(isOverHigh ? ['over memory.high: slowed down'] : []),
    ...(throttled > 0 && periods > 0
      ? [`cpu quota ran out in ${percentOf(throttled / periods)} of its periods`]
      : []),
  ];
}
