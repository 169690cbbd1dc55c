/** Units while they run: a frame on a terminal, or a line a unit in a pipe. */
import type { Amount } from '../model/index.js';
import { printable, printableLines } from '../text/index.js';
import type {
  EndedUnit,
  Look,
  ProcessLook,
  StallBreak,
  StallReport,
  UnitLook,
  Waiting,
} from '../watch/index.js';
import { humanBytes, humanCores, humanPart } from './figures.js';
import { renderBriefly } from './finding.js';
import { paragraph, style } from './style.js';

export interface FrameSize {
  columns: number;
  rows: number;
}

/**
 * One frame of the watch: lines that fit a terminal, one row less than it has, since the cursor
 * stands below them. Where not all fits, units show fewer processes, and then fewer units are shown,
 * stalled ones first.
 * @param notes what happened lately, the newest last
 */
export function renderFrame(
  look: Look,
  { columns, rows }: FrameSize,
  notes: readonly string[] = [],
): string[] {
  const width = Math.max(10, columns - 1);
  const room = Math.max(1, rows - 1);
  const title = style.faint(`${clockOf(look.time)}  ${unitCount(look)}`);
  const tail = notes.slice(-MOST_NOTES).flatMap((note) => paragraph(note, { width }).split('\n'));
  const body = fitUnits(look.units, room - 1 - tail.length, width);
  return [title, ...body, ...tail].slice(0, room).map((line) => cutLine(line, width));
}

/** Notes are for a glance, and what happened earlier has scrolled away. */
const MOST_NOTES = 3;

/** The plain lines of one look: one a unit, and one for each thing that happened. */
export function renderLines(
  look: Look,
  { nameWidth = 0, stalled = new Set<string>() }: LineLayout = {},
): string[] {
  const time = clockOf(look.time);
  return [
    ...look.units.map((unit) => `${time} ${lineOf(unit, nameWidth)}`),
    ...look.units.flatMap((unit) => (stalled.has(unit.unit) ? [] : stallLines(unit))),
    ...renderNotes(look),
  ].map((line) => (line.startsWith(time) ? line : `${time} ${line}`).trimEnd());
}

export interface LineLayout {
  /** Columns for the name of the unit, so that the lines of several looks are aligned. */
  nameWidth?: number;
  /** Units whose stall was told already. */
  stalled?: ReadonlySet<string>;
}

/** What happened since the last look, a line each, with its time. */
export function renderNotes({ time, ended, breaks }: Look): string[] {
  const clock = clockOf(time);
  return [
    ...breaks.map((broken) => `${clock} ${printable(broken.unit)}: ${renderBreak(broken)}`),
    ...ended.map((unit) => `${clock} ${renderEnded(unit)}`),
  ];
}

/** Said where nothing of ours runs. */
export const NO_UNITS = 'No units of rlimit are running.';

/** What came of `inspect --break-stall`. */
export function renderStallReport({ units }: StallReport): string {
  if (units.length === 0) return NO_UNITS;
  return units
    .map(({ unit, stalled, finding, broken }) => {
      const name = style.name(printable(unit));
      if (!stalled) return `${name}  ${style.good('is not stalled')}`;
      const lines = [`${name}  ${style.problem('was stalled')}`];
      if (finding !== undefined) lines.push(paragraph(finding.cause, { indent: 2 }));
      if (broken !== undefined) lines.push(paragraph(renderBreak(broken), { indent: 2 }));
      return lines.join('\n');
    })
    .join('\n\n');
}

/** What was done about a stall, as a part of a sentence behind the unit's name. */
function renderBreak({ how, done, upTo, process, why = '' }: StallBreak): string {
  const who =
    process === undefined
      ? 'its largest process'
      : `${printable(process.comm)} (PID ${process.pid}${
          process.memory === undefined ? '' : `, ${humanBytes(process.memory)}`
        })`;
  if (how === 'kill') {
    return done
      ? `its stall is broken: ${who}, its largest process, was killed`
      : `its stall cannot be broken by killing ${who}: ${printable(why)}`;
  }
  const reach = upTo === undefined || upTo === 'infinity' ? '' : `=${humanBytes(upTo)}`;
  return done
    ? `its stall is broken: MemoryHigh is lifted, and it may go on up to MemoryMax${reach}`
    : `its stall cannot be broken by lifting MemoryHigh: ${printable(why)}`;
}

function renderEnded({ unit, state, result }: EndedUnit): string {
  const how = [...(state === 'gone' ? [] : [state]), ...(result === undefined ? [] : [result])];
  return `${printable(unit)} has ended${how.length === 0 ? '' : ` (${printable(how.join(', '))})`}`;
}

function unitCount({ units, ended }: Look): string {
  const count = units.length;
  if (count === 0) return ended.length > 0 ? 'nothing is left to watch' : NO_UNITS;
  return `${count === 1 ? '1 unit' : `${count} units`}; Ctrl-C ends`;
}

/** As much of the units as there are rows for. */
function fitUnits(units: readonly UnitLook[], rows: number, width: number): string[] {
  const most = Math.max(0, ...units.map(({ processes }) => processes.length));
  for (let processes = most; processes >= 0; processes -= 1) {
    const lines = units.flatMap((unit) => blockOf(unit, processes, width));
    if (lines.length <= rows) return lines;
  }
  return fitSome(units, rows, width);
}

function fitSome(units: readonly UnitLook[], rows: number, width: number): string[] {
  const stalledFirst = [...units].sort((a, b) => b.findings.length - a.findings.length);
  const lines: string[] = [];
  let shown = 0;
  for (const unit of stalledFirst) {
    const block = blockOf(unit, 0, width);
    // One row is for the count of the others; the first unit is shown even if only in part.
    if (shown > 0 && lines.length + block.length > rows - 1) break;
    lines.push(...block);
    shown += 1;
  }
  const more = units.length - shown;
  if (more === 0) return lines.slice(0, Math.max(0, rows));
  return [
    ...lines.slice(0, Math.max(0, rows - 1)),
    style.faint(`and ${more} more: the terminal is too small`),
  ];
}

function blockOf(unit: UnitLook, processes: number, width: number): string[] {
  const { memory, swap, cpu, pressure, tasks } = unit;
  const profile = unit.profile === undefined ? '' : `  ${printable(unit.profile)}`;
  const title = style.name(printable(unit.unit)) + profile;
  if (unit.cgroup === undefined) return [title, `  ${style.faint('has no processes')}`];
  const part = partOf(memory.current, memory.max);
  return [
    title,
    `  memory    ${of(memory.current, memory.max, humanBytes)}${part}, anon ${bytes(memory.anon)}, ` +
      `swap ${bytes(swap.current)}`,
    `  cpu       ${of(cpu.cores, cpu.max, cores)} ${cpu.max === 1 ? 'core' : 'cores'}${throttled(cpu.throttled)}, ` +
      `tasks ${of(tasks.current, tasks.max, String)}`,
    `  pressure  ${pressureText(pressure)}`,
    ...unit.findings.flatMap((finding) => findingLines(finding, width)),
    ...processLines(unit.processes.slice(0, processes)),
  ];
}

function findingLines(finding: UnitLook['findings'][number], width: number): string[] {
  const { remedy, ...cause } = finding;
  const mend = remedy === undefined ? [] : [`mend: ${printableLines(remedy)}`];
  // Here the remedy is wrapped too: what is cut off cannot be copied at all.
  return [renderBriefly(cause), ...mend].flatMap((text) =>
    paragraph(text, { indent: 2, width }).split('\n'),
  );
}

function processLines(processes: readonly ProcessLook[]): string[] {
  if (processes.length === 0) return [];
  return [
    style.heading(row('PID', 'MEMORY', 'CPU', 'PROCESS')),
    ...processes.map((process) =>
      row(String(process.pid), bytes(process.memory), percent(process.cores), name(process)),
    ),
  ];
}

function row(pid: string, memory: string, cpu: string, process: string): string {
  return `  ${pid.padStart(8)} ${memory.padStart(7)} ${cpu.padStart(6)}  ${process}`;
}

function name({ comm }: ProcessLook): string {
  return printable(comm);
}

function lineOf(unit: UnitLook, nameWidth: number): string {
  const { memory, swap, cpu, pressure, tasks, processes, findings } = unit;
  const title = printable(unit.unit).padEnd(nameWidth);
  if (unit.cgroup === undefined) return `${title} has no processes`;
  const [largest] = processes;
  const waits = pressure.memory;
  return [
    title,
    `memory ${bytes(memory.current).padStart(5)}/${bytes(memory.max).padEnd(8)}`,
    `anon ${bytes(memory.anon).padStart(5)}`,
    `swap ${bytes(swap.current).padStart(5)}`,
    `cpu ${cores(cpu.cores).padStart(5)}`,
    `throttled ${percent(cpu.throttled).padStart(4)}`,
    `waiting memory ${figure(waits?.some)}/${figure(waits?.full)}`,
    `cpu ${figure(pressure.cpu?.some)}`,
    `io ${figure(pressure.io?.some)}`,
    `tasks ${`${count(tasks.current)}/${count(tasks.max)}`.padEnd(9)}`,
    ...(largest === undefined ? [] : [`largest ${bytes(largest.memory)} ${name(largest)}`]),
    ...(findings.length > 0 ? ['stalled'] : []),
  ].join(' ');
}

function stallLines({ unit, findings }: UnitLook): string[] {
  return findings.flatMap(({ severity, cause, remedy }) => [
    `${printable(unit)}: ${severity}: ${cause}`,
    ...(remedy === undefined ? [] : [`${printable(unit)}: mend: ${remedy}`]),
  ]);
}

function pressureText({ memory, cpu, io }: UnitLook['pressure']): string {
  const all: [string, Waiting | undefined][] = [
    ['memory', memory],
    ['io', io],
  ];
  const texts = all.flatMap(([what, waiting]) =>
    waiting === undefined ? [] : [`${what} ${wait(waiting.some)} some ${wait(waiting.full)} full`],
  );
  if (cpu !== undefined) texts.splice(1, 0, `cpu ${wait(cpu.some)}`);
  return texts.length === 0 ? 'not told by this kernel' : texts.join(', ');
}

function wait(value: number | undefined): string {
  return value === undefined ? '-' : `${value.toFixed(value < 10 ? 1 : 0)}%`;
}

function figure(value: number | undefined): string {
  return (value === undefined ? '-' : value.toFixed(1)).padStart(5);
}

function throttled(part: number | undefined): string {
  return part === undefined ? '' : `, throttled ${percent(part)}`;
}

/** `1.2G of 8G`; without a limit only `1.2G`. */
function of<T extends number>(
  value: T | undefined,
  max: Amount | undefined,
  text: (value: number) => string,
): string {
  const has = value === undefined ? '-' : text(value);
  return max === undefined || max === 'infinity' ? has : `${has} of ${text(max)}`;
}

function partOf(value: number | undefined, max: Amount | undefined): string {
  return value === undefined || typeof max !== 'number' || max === 0
    ? ''
    : ` (${humanPart(value, max)})`;
}

function bytes(value: Amount | undefined): string {
  return value === undefined ? '-' : humanBytes(value);
}

function cores(value: number | undefined): string {
  return value === undefined ? '-' : humanCores(value);
}

function count(value: Amount | undefined): string {
  return value === undefined ? '-' : String(value);
}

function percent(part: number | undefined): string {
  return part === undefined ? '-' : `${Math.round(part * 100)}%`;
}

/** The time of day here. */
function clockOf(time: string): string {
  const date = new Date(time);
  const two = (value: number) => String(value).padStart(2, '0');
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
}

/** Colours, and single characters. */
const PIECES = new RegExp(`${'\u001b'}\\[[\\d;]*m|.`, 'gsu');

/** Cuts a line to a number of columns; colours in it stay whole, and what was begun is ended. */
export function cutLine(line: string, width: number): string {
  let left = width;
  return line.replace(PIECES, (piece) => {
    if (piece.length > 1 && piece.startsWith('\u001b')) return piece;
    const code = piece.codePointAt(0) ?? 0;
    left -= isNarrow(code) ? 1 : 2;
    return left < 0 ? '' : piece;
  });
}

/** Whether a character takes one column. From where wide scripts begin on, each may take two. */
function isNarrow(code: number): boolean {
  return code < 0x1100 || (code >= 0x2000 && code < 0x2600);
}
