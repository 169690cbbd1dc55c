import type { ProfileTotals, Run, Totals } from '../history/index.js';
import type { Figures, LauncherKind } from '../model/index.js';
import type { SkippedLine } from '../state/index.js';
import { pastableLine, printable } from '../text/index.js';
import { humanBytes, humanPart, humanTime, localTime, shortMoment, shortTime } from './figures.js';
import { jobsText } from './jobs.js';
import { jobserverText } from './jobserver.js';
import { cut, paragraph, style, textWidth } from './style.js';
import { table } from './table.js';
import { guardText } from './verdict.js';

/** A line for each run, as wide as the terminal; the command gets what the others leave. */
export function renderRuns(runs: readonly Run[], now = Date.now()): string {
  if (runs.length === 0) return 'No run is in the history, or none that fits.';
  const head = ['ID', 'WHEN', 'PROFILE', 'END', 'TIME', 'MEM', 'CPU', 'COMMAND'];
  const rows = runs.map((run) => [...cellsOf(run, now)]);
  const widths = fit(head.map((title, column) => longest(title, rows, column)));
  const fitted = rows.map((row, index) =>
    row.map((text, column) => {
      const short = cut(text, widths[column] ?? 0);
      return head[column] === 'END' ? marked(short, runs[index] as Run) : short;
    }),
  );
  const right = 'right' as const;
  const left = 'left' as const;
  return table(head, fitted, { align: [left, left, left, left, right, right, right] });
}

function cellsOf(run: Run, now: number): string[] {
  const { memoryPeak, cpuUsec } = run.figures;
  return [
    printable(run.shortId),
    shortMoment(run.started, now),
    printable(run.profile),
    endOf(run),
    shortTime(run.elapsedMs * 1000),
    memoryPeak === undefined ? '-' : humanBytes(memoryPeak),
    cpuUsec === undefined ? '-' : shortTime(cpuUsec),
    printable(run.command.join(' ')),
  ];
}

/** The verdict; of a command that failed by itself, how as well: `failed 2`, `failed SEGV`. */
function endOf({ verdict, status, signal }: Run): string {
  if (verdict.id !== 'failed') return printable(verdict.id);
  return printable(`failed ${status ?? signal?.replace(/^SIG/, '') ?? ''}`);
}

function marked(text: string, { verdict, status }: Run): string {
  if (status === 0) return verdict.id === 'finished' ? style.good(text) : style.warning(text);
  return verdict.id === 'user-signal' ? style.warning(text) : style.problem(text);
}

function longest(title: string, rows: readonly (readonly string[])[], column: number): number {
  return rows.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), title.length);
}

/** Which columns may be cut in turn, and to what: the list of a usual day fits uncut but for COMMAND. */
const CUTTABLE = [
  { column: 7, least: 16 },
  { column: 0, least: 10 },
  { column: 3, least: 10 },
  { column: 2, least: 12 },
  { column: 7, least: 10 },
  { column: 0, least: 6 },
  { column: 7, least: 8 },
];

/** Makes columns narrower, one after the other, until they fit. */
function fit(widths: readonly number[]): number[] {
  const fitted = [...widths];
  const gaps = 2 * (widths.length - 1);
  for (const { column, least } of CUTTABLE) {
    const excess = fitted.reduce((sum, width) => sum + width, gaps) - textWidth();
    const width = fitted[column] ?? 0;
    if (excess > 0) fitted[column] = Math.min(width, Math.max(least, width - excess));
  }
  return fitted;
}

/** One run with all that is known of it. */
export function renderOneRun(run: Run): string {
  const { verdict, started, elapsedMs } = run;
  const lines = [
    `${style.name(printable(run.unit))}  ${marked(endOf(run), run)}`,
    paragraph(printable(verdict.says), { indent: 2 }),
    ...verdict.evidence.map((piece) => `    ${printable(piece)}`),
    ...(verdict.advice === undefined
      ? []
      : [`  ${style.faint('next:')} ${printable(verdict.advice)}`]),
    '',
    field('profile', `${printable(run.profile)}${run.jobs === undefined ? '' : `, -j${run.jobs}`}`),
    field('launcher', placeOf(run)),
    field('started', localTime(started)),
    field('elapsed', humanTime(elapsedMs * 1000)),
    field('ended', printable(run.signal ?? `status ${run.status}`)),
    field('limits', limitsOf(run)),
    ...figureLines(run.figures, elapsedMs).map(([name, text]) => field(name, text)),
    ...maybe(run.guard && guardText(run.guard), (text) => field('guard', text)),
    ...maybe(run.jobserver, (jobserver) => field('jobserver', jobserverText(jobserver))),
    ...maybe(run.jobFigures, (jobs) => field('jobs', jobsText(jobs))),
    '',
    ...commandLines(run),
  ];
  return lines.join('\n');
}

const LAUNCHERS: Record<LauncherKind, string> = {
  user: "the user's service manager",
  system: "the system's service manager",
  cgroup: 'a cgroup, without systemd',
  watched: 'watched by rlimit, without a cgroup',
  slurm: 'Slurm',
};

/** `Slurm, step 123.0 on node7: OUT_OF_MEMORY` */
function placeOf({ launcher, slurm }: Run): string {
  const place = LAUNCHERS[launcher] ?? printable(launcher);
  if (slurm === undefined) return place;
  const { step, node, state } = slurm;
  const on = node === undefined ? '' : ` on ${node}`;
  return printable(`${place}, step ${step}${on}${state === undefined ? '' : `: ${state}`}`);
}

/** Long texts go on below themselves. */
function field(name: string, text: string): string {
  const indent = 12;
  return `  ${name.padEnd(indent - 2)}${paragraph(text, { indent }).trimStart()}`;
}

function limitsOf({ limits }: Run): string {
  const list = Object.entries(limits).map(([name, value]) => `${name}=${value || 'infinity'}`);
  return list.length === 0 ? 'none' : printable(list.join(' '));
}

function figureLines(figures: Figures, elapsedMs: number): [name: string, text: string][] {
  const groups: [string, string[]][] = [
    ['memory', memoryTexts(figures)],
    ['CPU', cpuTexts(figures, elapsedMs)],
    ['tasks', taskTexts(figures)],
    ['stalled', stallTexts(figures)],
  ];
  return groups.flatMap(([name, texts]) => (texts.length === 0 ? [] : [[name, texts.join(', ')]]));
}

function memoryTexts({ memoryPeak, anonPeak, swapPeak, oomKills }: Figures): string[] {
  return [
    ...maybe(memoryPeak, (bytes) => `${humanBytes(bytes)} at most`),
    ...maybe(anonPeak, (bytes) => `anonymous ${humanBytes(bytes)}`),
    ...maybe(swapPeak, (bytes) => `swap ${humanBytes(bytes)}`),
    ...maybe(oomKills || undefined, (count) => `${count} killed for lack of it`),
  ];
}

function cpuTexts({ cpuUsec, throttledUsec, throttledPart }: Figures, elapsedMs: number): string[] {
  return [
    ...maybe(cpuUsec, (usec) => humanTime(usec)),
    ...maybe(elapsedMs < 1000 ? undefined : cpuUsec, (usec) => {
      return `${humanPart(usec, elapsedMs * 1000)} of one CPU on average`;
    }),
    ...maybe(throttledUsec || undefined, (usec) => `throttled for ${humanTime(usec)}`),
    ...maybe(throttledPart || undefined, (part) => `in ${humanPart(part, 1)} of the periods`),
  ];
}

function taskTexts({ tasksPeak, forksRefused }: Figures): string[] {
  return [
    ...maybe(tasksPeak, (count) => `${count} at most`),
    ...maybe(forksRefused || undefined, (count) => `fork refused ${count} times`),
  ];
}

function stallTexts({ memoryStallUsec, cpuStallUsec, ioStallUsec }: Figures): string[] {
  return [
    ...maybe(memoryStallUsec, (usec) => `${humanTime(usec)} for memory`),
    ...maybe(cpuStallUsec, (usec) => `${humanTime(usec)} for CPU`),
    ...maybe(ioStallUsec, (usec) => `${humanTime(usec)} for disk`),
  ];
}

function maybe<T>(value: T | undefined, text: (value: T) => string): string[] {
  return value === undefined ? [] : [text(value)];
}

/** What can be pasted to do it again; not wrapped. */
function commandLines({ cwd, command, commandBytes, profile }: Run): string[] {
  const lines = [
    `  cd ${pastableLine([cwd])}`,
    `  rlimit run ${pastableLine([profile])} -- ${pastableLine(command)}`,
  ];
  if (commandBytes === undefined) return lines;
  return [...lines, `  ${style.faint(`(only the beginning: it has ${commandBytes} bytes)`)}`];
}

/** What the runs of each profile add up to, and all of them. */
export function renderTotals(profiles: readonly ProfileTotals[], all: Totals): string {
  if (all.runs === 0) return 'No run is in the history, or none that fits.';
  const rows = profiles.map(({ profile, ...totals }) => [
    printable(profile),
    ...totalCells(totals),
  ]);
  if (profiles.length > 1) rows.push(['all', ...totalCells(all)]);
  const head = ['PROFILE', 'RUNS', 'FINISHED', 'FAILED', 'OOM', 'STOPPED', 'PEAK', 'MEDIAN', 'CPU'];
  const align = head.map((title) => (title === 'PROFILE' ? 'left' : 'right') as 'left' | 'right');
  const widths = head.map((title, column) => longest(title, rows, column));
  const rest = widths.slice(1).reduce((sum, width) => sum + width + 2, 0);
  const room = Math.max(8, textWidth() - rest);
  return table(
    head,
    rows.map(([profile = '', ...cells]) => [cut(profile, room), ...cells]),
    { align },
  );
}

function totalCells({ memoryPeak, cpuUsec, medianElapsedMs, ...counts }: Totals): string[] {
  const { runs, finished, failed, killedForMemory, stopped } = counts;
  return [
    ...[runs, finished, failed, killedForMemory, stopped].map(String),
    memoryPeak === undefined ? '-' : humanBytes(memoryPeak),
    shortTime(medianElapsedMs * 1000),
    cpuUsec === undefined ? '-' : shortTime(cpuUsec),
  ];
}

/** More than this many lines of a file are counted, not listed. */
const MOST_LINES = 5;

/** What of the history could not be read: one text a file. */
export function renderSkipped(skipped: readonly SkippedLine[]): string[] {
  const files = [...new Set(skipped.map(({ file }) => file))];
  return files.map((file) => {
    const lines = skipped.filter((each) => each.file === file);
    const list = lines.slice(0, MOST_LINES).map(({ line, why }) => `line ${line}: ${why}`);
    const more = lines.length - list.length;
    return printable(
      `${file}: ${lines.length === 1 ? '1 line' : `${lines.length} lines`} passed over ` +
        `(${list.join('; ')}${more > 0 ? `; and ${more} more` : ''})`,
    );
  });
}
