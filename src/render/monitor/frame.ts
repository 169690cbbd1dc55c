import { printable } from '../../text/index.js';
import { localTime } from '../figures.js';
import { isUtf8Locale } from '../plot.js';
import { cut, style, textWidth } from '../style.js';
import { cutLine, type FrameSize } from '../watch.js';
import { processLines } from './processes.js';
import { summaryLines } from './summary.js';
import { sortUnits, unitLines } from './units.js';
import type { MonitorLayout, MonitorView, ShownAlert } from './view.js';

/** Alerts that are shown: what happened earlier is in the log. */
const MOST_ALERTS = 5;

/** The whole picture as text, for a pipe and for a single look. */
export function renderMonitor(
  view: MonitorView,
  { width = textWidth(), isUtf8 = isUtf8Locale() }: Partial<MonitorLayout> = {},
): string {
  const layout = { width, isUtf8 };
  const blocks = [
    [titleOf(view)],
    summaryLines(view, layout),
    unitBlock(view, layout),
    processBlock(view, view.processes, layout),
    alertLines(view.alerts, width),
  ];
  const lines = blocks.filter((block) => block.length > 0).map((block) => block.join('\n'));
  return lines.join('\n\n');
}

/**
 * A frame that fits a terminal: one row less than it has, since the cursor stands below it. Where not
 * all fits, fewer processes are shown, and then fewer units, from the selected one on.
 */
export function renderMonitorFrame(
  view: MonitorView,
  { columns, rows }: FrameSize,
  { isUtf8 = isUtf8Locale() }: { isUtf8?: boolean } = {},
): string[] {
  const width = Math.max(20, columns - 1);
  const layout = { width, isUtf8 };
  const room = Math.max(1, rows - 1);
  const top = [titleOf(view), ...summaryLines(view, layout), ''];
  const tail = [
    ...alertLines(view.alerts, width),
    ...(view.message === undefined ? [] : [cut(printable(view.message), width)]),
    ...(view.keys === undefined ? [] : [style.faint(cut(view.keys, width))]),
  ];
  const left = room - top.length - tail.length;
  const body = bodyOf(view, left, layout);
  const filled = [...top, ...body].slice(0, Math.max(0, room - tail.length));
  return [...filled, ...tail].slice(-room).map((line) => cutLine(line, width));
}

/** Units come before processes: at least a row for each of them, and a third of the room for these. */
function bodyOf(view: MonitorView, room: number, layout: MonitorLayout): string[] {
  const units = unitBlock(view, layout);
  const processes = Math.max(0, room - units.length - 2);
  const least = Math.min(view.processes, Math.floor(room / 3));
  const count = Math.min(view.processes, Math.max(processes, least));
  const table = processBlock(view, count, layout);
  const gap = table.length === 0 || units.length === 0 ? [] : [''];
  const forUnits = Math.max(0, room - table.length - gap.length);
  return [...scrolled(view, forUnits, layout), ...gap, ...table];
}

/** As many units as fit, so that the selected one is among them. */
function scrolled(view: MonitorView, room: number, layout: MonitorLayout): string[] {
  const all = unitBlock(view, layout);
  if (all.length <= room) return all;
  const units = sortUnits(view.sample.units, view.sort);
  const blocks = units.map((unit) => unitLines(unit, layout, unit.cgroup === view.selected));
  const at = Math.max(
    0,
    units.findIndex(({ cgroup }) => cgroup === view.selected),
  );
  let from = at;
  let height = blocks[at]?.length ?? 0;
  // One row is for the count of those that are not seen.
  while (from > 0 && height + (blocks[from - 1]?.length ?? 0) <= room - 1) {
    from -= 1;
    height += blocks[from]?.length ?? 0;
  }
  let to = at + 1;
  while (to < blocks.length && height + (blocks[to]?.length ?? 0) <= room - 1) {
    height += blocks[to]?.length ?? 0;
    to += 1;
  }
  const shown = blocks.slice(from, to);
  const more = style.faint(`and ${units.length - shown.length} more units`);
  return room <= 0 ? [] : [...shown.flat().slice(0, room - 1), more];
}

function titleOf({ sample, sort, keys }: MonitorView): string {
  const order = keys === undefined ? '' : `, by ${sort}`;
  return style.faint(`${localTime(sample.time)}  ${sample.processes.length} processes${order}`);
}

function unitBlock(view: MonitorView, layout: MonitorLayout): string[] {
  const units = sortUnits(view.sample.units, view.sort);
  if (units.length === 0) return [style.faint('No unit has a limit of its own.')];
  const more = view.unitsLeftOut;
  return [
    ...units.flatMap((unit) => unitLines(unit, layout, unit.cgroup === view.selected)),
    ...(more > 0 ? [style.faint(`and ${more} more units that are not looked at`)] : []),
  ];
}

function processBlock(view: MonitorView, most: number, layout: MonitorLayout): string[] {
  return processLines(view.sample.processes, { sort: view.sort, most }, layout);
}

/** The newest last. */
function alertLines(alerts: readonly ShownAlert[], width: number): string[] {
  const shown = alerts.slice(-MOST_ALERTS);
  if (shown.length === 0) return [];
  return [
    style.heading('Recent alerts'),
    ...shown.map(({ time, severity, text }) => {
      const line = cut(`${localTime(time)}  ${printable(text)}`, width);
      if (severity === 'problem') return style.problem(line);
      return severity === 'warning' ? style.warning(line) : line;
    }),
  ];
}
