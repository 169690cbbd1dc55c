/** The machine as a whole, a line each. */
import type { DiskSample, GpuSample, MachineSample, StallShare } from '../../model/index.js';
import { printable } from '../../text/index.js';
import { humanBytes } from '../figures.js';
import { cut, style } from '../style.js';
import { alarming, bar, percentOf, sparkline } from './bars.js';
import type { Curves, MonitorLayout, MonitorView } from './view.js';

const LABEL = 9;
const BAR = 16;
const PERCENT = 5;
/** Columns for figures between the bar and the curve. */
const FIGURES = 30;

/** Lines on memory, swap, CPU, pressure, disks and GPUs. */
export function summaryLines({ sample, curves }: MonitorView, layout: MonitorLayout): string[] {
  const { memory, disks, gpus } = sample;
  const used = memory.total - memory.available;
  const swapped = memory.swapTotal - memory.swapFree;
  const line = (label: string, part: number | undefined, text: string, curve?: number[]) =>
    lineOf({ label, part, text, ...(curve === undefined ? {} : { curve }) }, layout);
  return [
    line('memory', used / memory.total, `${of(used, memory.total)}`, curves?.memory),
    memory.swapTotal === 0
      ? textLine('swap', 'none')
      : line('swap', swapped / memory.swapTotal, of(swapped, memory.swapTotal), curves?.swap),
    cpuLine(sample, line, curves),
    ...pressureLine(sample, layout, curves),
    ...disks.map((disk) => diskLine(disk, line, layout)),
    ...gpus.flatMap((gpu) => gpuLines(gpu, line)),
    ...killLine(sample),
  ];
}

type Line = (label: string, part: number | undefined, text: string, curve?: number[]) => string;

function cpuLine({ cpu }: MachineSample, line: Line, curves: Curves | undefined): string {
  if (cpu === undefined) return textLine('cpu', style.faint('not told'));
  const load = cpu.load === undefined ? '' : `, load ${cpu.load.toFixed(2)}`;
  const busy = cpu.busy === undefined ? '-' : (cpu.busy * cpu.cpus).toFixed(1);
  return line('cpu', cpu.busy, `${busy} of ${cpu.cpus} CPUs${load}`, curves?.cpu);
}

function pressureLine(
  { pressure }: MachineSample,
  layout: MonitorLayout,
  curves: Curves | undefined,
): string[] {
  const texts = (['memory', 'cpu', 'io'] as const).flatMap((name) => {
    const share = pressure[name];
    return share === undefined ? [] : [`${name} ${stall(share, name)}`];
  });
  if (texts.length === 0) return [textLine('waiting', style.faint('not told by this kernel'))];
  const text = texts.join(', ');
  const room = Math.min(BAR, layout.width - LABEL - text.length - 2);
  const curve = curves === undefined ? '' : sparkline(curves.stall, { ...layout, width: room });
  return [textLine('waiting', curve === '' ? text : `${text}  ${curve}`)];
}

/** Part of the last ten seconds in which some tasks, and all at once, waited. */
function stall({ some, full }: StallShare, name: string): string {
  const text = `${some.toFixed(1)}%`;
  const both = full === undefined || name === 'cpu' ? text : `${text} (all ${full.toFixed(1)}%)`;
  return name === 'memory' && some >= 10 ? style.warning(both) : both;
}

function diskLine({ mount, total, available }: DiskSample, line: Line, { width }: MonitorLayout) {
  const used = total - available;
  const text = of(used, total);
  // The mount stands behind the figures, since it may be long.
  const room = Math.max(8, width - LABEL - BAR - PERCENT - text.length - 6);
  return line('disk', used / total, `${text}  ${cut(printable(mount), room)}`);
}

function gpuLines(
  { index, name, memoryUsed, memoryTotal, utilisation, temperature }: GpuSample,
  line: Line,
) {
  const heat = temperature === undefined ? '' : `, ${Math.round(temperature)} °C`;
  const label = `gpu ${index}`;
  const hasMemory = memoryUsed !== undefined && memoryTotal !== undefined && memoryTotal > 0;
  return [
    line(label, utilisation, `busy${heat}  ${cut(printable(name), 32)}`),
    ...(hasMemory
      ? [line('', memoryUsed / memoryTotal, `${of(memoryUsed, memoryTotal)} memory`)]
      : []),
  ];
}

function killLine({ oomKills }: MachineSample): string[] {
  if (oomKills === undefined || oomKills === 0) return [];
  const count = oomKills === 1 ? '1 process' : `${oomKills} processes`;
  return [textLine('killed', `${count} for lack of memory since boot`)];
}

function textLine(label: string, text: string): string {
  return `${label.padEnd(LABEL)}${text}`;
}

interface LineParts {
  label: string;
  part: number | undefined;
  text: string;
  curve?: number[];
}

function lineOf({ label, part, text, curve }: LineParts, layout: MonitorLayout): string {
  const drawn = bar(part ?? 0, { ...layout, width: BAR });
  const percent = (part === undefined ? '-' : percentOf(part)).padStart(PERCENT);
  const head = `${label.padEnd(LABEL)}${drawn}${part === undefined ? percent : alarming(part, percent)}  `;
  const room = layout.width - LABEL - BAR - PERCENT - 2 - FIGURES;
  const drawnCurve = curve === undefined ? '' : sparkline(curve, { ...layout, width: room });
  return (head + (drawnCurve === '' ? text : text.padEnd(FIGURES) + drawnCurve)).trimEnd();
}

function of(used: number, total: number): string {
  return `${humanBytes(used)} of ${humanBytes(total)}`;
}
