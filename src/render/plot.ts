/** Pictures made of characters: readable at 80 columns, without colour, and in plain ASCII. */
import { counted, printable } from '../text/index.js';
import type { Picture } from '../tune/index.js';
import { humanBytes, humanTime } from './figures.js';
import { resample, type SizeRow, scaleFor, sizeRows } from './scale.js';
import { style, textWidth } from './style.js';

/** What a picture is drawn with: from nothing to full, and the lines around it. */
interface Pens {
  /** Of a column, by height. */
  levels: string;
  /** Of a bar, by length. */
  parts: string;
  axis: string;
  tick: string;
  corner: string;
  /** In place of the axis, where a part of it is left out. */
  gap: string;
  line: string;
  limit: string;
  mark: string;
}

const UNICODE: Pens = {
  levels: ' ▁▂▃▄▅▆▇█',
  parts: ' ▏▎▍▌▋▊▉█',
  axis: '│',
  tick: '┤',
  corner: '└',
  gap: '┊',
  line: '─',
  limit: '╌',
  mark: '←',
};

const ASCII: Pens = {
  levels: ' .:#',
  parts: ' #',
  axis: '|',
  tick: '+',
  corner: '+',
  gap: ':',
  line: '-',
  limit: '-',
  mark: '<-',
};

export interface PlotOptions {
  width?: number;
  /** Whether the terminal shows more than ASCII. */
  isUtf8?: boolean;
}

/**
 * Whether text is UTF-8 here: the first of these variables that is set and not empty decides, as
 * setlocale(3) says.
 */
export function isUtf8Locale(env: NodeJS.ProcessEnv = process.env): boolean {
  return /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || '');
}

/** All that a picture has, one thing below the other. */
export function renderPicture(
  picture: Picture,
  { width = textWidth(), isUtf8 = isUtf8Locale() }: PlotOptions = {},
): string {
  const pens = isUtf8 ? UNICODE : ASCII;
  const { run, sizes } = picture;
  return [
    ...(run === undefined ? [] : [course(run, width, pens)]),
    ...(sizes === undefined ? [] : [sizesPlot(sizes, width, pens)]),
  ].join('\n\n');
}

const ROWS = 8;
/** `  5.0G `, in front of the axis. */
const LABEL = 7;

function course(run: NonNullable<Picture['run']>, width: number, pens: Pens): string {
  const { memory, limit } = run;
  const columns = Math.max(10, width - LABEL - 2);
  const values = resample(memory, columns);
  const peak = Math.max(...values);
  const { top, isLimitInside } = scaleFor(peak, limit);
  const rows = Array.from({ length: ROWS }, (_, index) => {
    const row = ROWS - 1 - index;
    const text = values.map((value) => cell((value / top) * ROWS - row, pens.levels)).join('');
    const isLabelled = row === ROWS - 1 ? limit !== top : row === ROWS / 2 - 1;
    const label = isLabelled ? humanBytes(((row + 1) / ROWS) * top) : '';
    return axisRow(label, isLabelled ? pens.tick : pens.axis, text.trimEnd());
  });
  const said = limit === undefined ? '' : ` of MemoryMax=${humanBytes(limit)}`;
  const name = 'Memory over time';
  const tail = `  ${printable(run.id)}, ${printable(run.verdict)}: at most ${humanBytes(peak)}${said}`;
  return [
    style.heading(name) + tail.slice(0, width - name.length),
    ...limitRows(limit, { isShown: limit === top, isInside: isLimitInside, columns, pens }),
    ...rows,
    axisRow('0', pens.corner, pens.line.repeat(columns)),
    ...lane('jobs', run.jobs, columns, pens),
    ...lane('tokens', run.tokens ?? [], columns, pens),
    `${' '.repeat(LABEL + 1)}${timeAxis(run, columns)}`,
  ].join('\n');
}

/** The limit above the rows: it is where they end, or a break of the axis says that it is far. */
function limitRows(
  limit: number | undefined,
  {
    isShown,
    isInside,
    columns,
    pens,
  }: { isShown: boolean; isInside: boolean; columns: number; pens: Pens },
): string[] {
  if (limit === undefined || (isInside && !isShown)) return [];
  const line = axisRow(humanBytes(limit), pens.tick, limitLine(columns, pens));
  return isInside ? [line] : [line, axisRow('', pens.gap, '')];
}

function axisRow(label: string, axis: string, text: string): string {
  return `${label.padStart(LABEL - 1)} ${axis}${text}`;
}

function limitLine(columns: number, pens: Pens): string {
  const name = ' MemoryMax';
  return pens.limit.repeat(columns - name.length) + name;
}

/** From the start to the end; between them what the lanes reach. */
function timeAxis({ elapsedMs, jobs, tokens = [] }: NonNullable<Picture['run']>, columns: number) {
  const most = (figures: readonly number[]) =>
    Math.ceil(figures.reduce((a, b) => Math.max(a, b), 0));
  const counts = [countedIfAny(most(jobs), 'job'), countedIfAny(most(tokens), 'token')].filter(
    Boolean,
  );
  const end = humanTime(elapsedMs * 1000);
  const said = counts.length === 0 ? '' : `at most ${counts.join(' and ')}`;
  const middle = said.length + end.length + 3 > columns ? '' : said;
  const gap = Math.max(1, columns - 1 - middle.length - end.length);
  const before = ' '.repeat(Math.floor(gap / 2));
  return `0${before}${middle}${' '.repeat(gap - before.length)}${end}`;
}

function countedIfAny(count: number, noun: string): string {
  return count === 0 ? '' : counted(count, noun);
}

/** A row of figures over time, as parts of the most of them. */
function lane(name: string, figures: readonly number[], columns: number, pens: Pens): string[] {
  const values = resample(figures, columns);
  const most = Math.max(0, ...values);
  if (most === 0) return [];
  const text = values.map((value) => cell(value / most, pens.levels)).join('');
  return [axisRow(name, pens.axis, text.trimEnd())];
}

/** The part of a cell that is filled, 0 to 1; what is not nothing can be seen. */
function cell(part: number, levels: string): string {
  const steps = [...levels];
  const full = steps.length - 1;
  const filled = Math.min(1, Math.max(0, part));
  return steps[filled > 0 ? Math.max(1, Math.round(filled * full)) : 0] ?? ' ';
}

const MOST_SIZES = 12;

function sizesPlot(sizes: NonNullable<Picture['sizes']>, width: number, pens: Pens): string {
  const rows = sizeRows(sizes, MOST_SIZES);
  const most = Math.max(1, ...rows.map(({ count }) => count));
  const digits = String(most).length;
  const marked = `  ${pens.mark} 95% take no more`;
  const room = Math.max(10, width - 2 * LABEL - digits - marked.length - 7);
  const lines = rows.map((row) => {
    const range = `${humanBytes(row.from).padStart(LABEL)} to ${humanBytes(row.to).padStart(6)}`;
    const count = row.count === 0 ? '' : String(row.count);
    const text = `${range}  ${count.padStart(digits)} ${bar((row.count / most) * room, pens)}`;
    return (isMarked(row, sizes.high) ? text + marked : text).trimEnd();
  });
  const runs = sizes.runs === 1 ? '1 run' : `${sizes.runs} runs`;
  const title = `${style.heading('Memory of single jobs')}  ${sizes.jobs} in ${runs}`;
  return [title, ...lines].join('\n');
}

function isMarked({ from, to }: SizeRow, high: number | undefined): boolean {
  // The quantile is the upper end of a bucket.
  return high !== undefined && high > from * 1.001 && high <= to * 1.001;
}

function bar(length: number, { parts }: Pens): string {
  const steps = [...parts];
  const full = steps.at(-1) ?? '#';
  if (length <= 0) return '';
  const rest = cell(length - Math.floor(length), parts).trim();
  const whole = full.repeat(Math.floor(length));
  return whole + (whole === '' || steps.length > 2 ? rest : '');
}
