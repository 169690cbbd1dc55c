/** The pictures as SVG: one file, without scripts, fonts or anything else from elsewhere. */
import { printable } from '../text/index.js';
import type { Picture } from '../tune/index.js';
import { humanBytes, humanTime, localTime } from './figures.js';
import { resample, scaleFor, sizeRows } from './scale.js';
import { cut } from './style.js';

const WIDTH = 760;
const LEFT = 64;
const RIGHT = 24;
const PLOT = WIDTH - LEFT - RIGHT;
const COURSE = { top: 64, height: 200 };
const LANE = 44;
const BAR = 20;
const MOST_SIZES = 16;
/** More points than this nobody can tell apart. */
const MOST_POINTS = 360;

/**
 * Colours by meaning, first for a light page and then for a dark one. Each pair has a contrast to
 * its ground of at least 3 : 1 for areas and lines, and 4.5 : 1 for text (WCAG 2.1, 1.4.3, 1.4.11).
 */
const COLOURS = {
  ground: ['#ffffff', '#16181d'],
  text: ['#1f2328', '#e6e8eb'],
  faint: ['#59636e', '#a0a8b3'],
  grid: ['#d8dee4', '#353b45'],
  memory: ['#2f6fd0', '#6ea8fe'],
  limit: ['#b3261e', '#ff8a80'],
  jobs: ['#8a5a00', '#e3b341'],
  tokens: ['#0f766e', '#4fd1c5'],
} as const;

/** Draws a picture as the text of an SVG file. */
export function svgOf(picture: Picture): string {
  const { run, sizes } = picture;
  const parts: string[] = [];
  let top = 0;
  if (run !== undefined) {
    const drawn = course(run);
    parts.push(drawn.text);
    top = drawn.bottom;
  }
  if (sizes !== undefined) {
    const drawn = histogram(sizes, top);
    parts.push(drawn.text);
    top = drawn.bottom;
  }
  const title = escapeXml(`rlimit tune ${picture.profile}`);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}" role="img" font-family="system-ui, sans-serif" font-size="13">`,
    `<title>${title}</title>`,
    `<style>${css()}</style>`,
    `<rect class="ground" width="${WIDTH}" height="${top}"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

/** Where a program knows no media queries, the light colours count. */
function css(): string {
  const rules = (theme: 0 | 1) =>
    Object.entries(COLOURS)
      .map(
        ([name, colours]) =>
          `.${name}{fill:${colours[theme]}}.${name}-line{stroke:${colours[theme]}}`,
      )
      .join('');
  return `${rules(0)}.line{fill:none;stroke-width:2}@media (prefers-color-scheme:dark){${rules(1)}}`;
}

interface Drawn {
  text: string;
  bottom: number;
}

function course(run: NonNullable<Picture['run']>): Drawn {
  const { memory, limit, jobs, tokens = [] } = run;
  const values = resample(memory, Math.min(memory.length, MOST_POINTS));
  const peak = Math.max(...values);
  const { top: end, isLimitInside } = scaleFor(peak, limit);
  const top = end * (isLimitInside ? 1.05 : 1.2);
  const base = COURSE.top + COURSE.height;
  const y = (bytes: number) => round(base - (bytes / top) * COURSE.height);
  const said = limit === undefined ? '' : ` of MemoryMax=${humanBytes(limit)}`;
  const limitY = isLimitInside ? y(limit ?? 0) : COURSE.top;
  const limitName = isLimitInside ? 'MemoryMax' : `MemoryMax=${humanBytes(limit ?? 0)}, far above`;
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => part * end);
  const lanes = [
    ...lane('jobs', jobs, base + 12),
    ...lane('tokens', tokens, base + 12 + (isDrawn(jobs) ? LANE : 0)),
  ];
  const bottom = base + 12 + LANE * Number(isDrawn(jobs)) + LANE * Number(isDrawn(tokens));
  return {
    text: [
      heading(28, 'Memory over time'),
      label(
        LEFT,
        48,
        'faint',
        `${cut(printable(run.unit), 64)}, ${localTime(run.started)}, ${run.verdict}: at most ${humanBytes(peak)}${said}`,
      ),
      ...ticks.flatMap((bytes) => [
        rule(y(bytes), 'grid'),
        label(LEFT - 8, y(bytes) + 4, 'faint', bytes === 0 ? '0' : humanBytes(bytes), 'end'),
      ]),
      `<path class="memory" fill-opacity="0.25" d="${path(values, y)} L${LEFT + PLOT} ${base} L${LEFT} ${base} Z"/>`,
      `<path class="line memory-line" d="${path(values, y)}"/>`,
      ...(limit === undefined
        ? []
        : [
            rule(limitY, 'limit', ' stroke-width="2" stroke-dasharray="6 4"'),
            label(LEFT + PLOT, limitY - 6, 'limit', limitName, 'end'),
          ]),
      ...lanes,
      label(LEFT, bottom + 16, 'faint', '0'),
      label(LEFT + PLOT, bottom + 16, 'faint', humanTime(run.elapsedMs * 1000), 'end'),
    ].join('\n'),
    bottom: bottom + 32,
  };
}

function isDrawn(figures: readonly number[]): boolean {
  return figures.some((figure) => figure > 0);
}

/** A small diagram of its own below the course of memory. */
function lane(name: 'jobs' | 'tokens', figures: readonly number[], top: number): string[] {
  if (!isDrawn(figures)) return [];
  const values = resample(figures, Math.min(figures.length, MOST_POINTS));
  const most = Math.max(...values);
  const base = top + LANE - 8;
  const y = (value: number) => round(base - (value / most) * (LANE - 16));
  return [
    rule(base, 'grid'),
    label(LEFT - 8, base - 4, name, name, 'end'),
    label(LEFT + PLOT + 4, y(most) + 4, name, String(most)),
    `<path class="line ${name}-line" d="${path(values, y)}"/>`,
  ];
}

/** A line over the whole width. One value alone is a level line. */
function path(values: readonly number[], y: (value: number) => number): string {
  const points = values.length === 1 ? [...values, ...values] : values;
  const step = PLOT / Math.max(1, points.length - 1);
  return points
    .map((value, index) => `${index === 0 ? 'M' : 'L'}${round(LEFT + index * step)} ${y(value)}`)
    .join(' ');
}

function histogram(sizes: NonNullable<Picture['sizes']>, top: number): Drawn {
  const rows = sizeRows(sizes, MOST_SIZES);
  const most = Math.max(1, ...rows.map(({ count }) => count));
  const start = top + 64;
  const left = LEFT + 80;
  const room = WIDTH - RIGHT - left - 48;
  const bars = rows.flatMap(({ from, to, count }, index) => {
    const y = start + index * BAR;
    const length = count === 0 ? 0 : Math.max(2, (count / most) * room);
    return [
      label(left - 8, y + 14, 'faint', `${humanBytes(from)} to ${humanBytes(to)}`, 'end'),
      `<rect class="memory" x="${left}" y="${y + 2}" width="${round(length)}" height="${BAR - 4}" rx="2"/>`,
      ...(count === 0 ? [] : [label(round(left + length + 6), y + 14, 'text', String(count))]),
    ];
  });
  const runs = sizes.runs === 1 ? '1 run' : `${sizes.runs} runs`;
  const high = sizes.high === undefined ? '' : `; 95% take no more than ${humanBytes(sizes.high)}`;
  return {
    text: [
      heading(top + 28, 'Memory of single jobs'),
      label(LEFT, top + 48, 'faint', `${sizes.jobs} in ${runs}${high}`),
      ...bars,
    ].join('\n'),
    bottom: start + rows.length * BAR + 16,
  };
}

function heading(y: number, text: string): string {
  return `<text class="text" x="${LEFT}" y="${y}" font-size="16" font-weight="600">${escapeXml(text)}</text>`;
}

function label(x: number, y: number, kind: string, text: string, anchor = 'start'): string {
  return `<text class="${kind}" x="${x}" y="${y}" text-anchor="${anchor}">${escapeXml(text)}</text>`;
}

function rule(y: number, kind: string, more = ''): string {
  return `<line class="${kind}-line" x1="${LEFT}" x2="${LEFT + PLOT}" y1="${y}" y2="${y}"${more}/>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/**
 * Text that XML 1.0 can hold: control characters and half characters are no part of it, and units of
 * other users may have any name.
 */
function escapeXml(text: string): string {
  return printable(text)
    .replace(
      /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]|[\uFFFE\uFFFF]/g,
      '\uFFFD',
    )
    .replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
