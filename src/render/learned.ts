/** What earlier runs recommend, for people. */
import { formatBytes, formatCpuQuota } from '../quantity/index.js';
import { counted, printable, printableLines } from '../text/index.js';
import { type Advice, type LearnedReport, seenBytes } from '../tune/index.js';
import { localTime } from './figures.js';
import { paragraph, style } from './style.js';
import { table } from './table.js';

/** The values that count now, as the profile has them: what is recommended stands beside them. */
export interface Present {
  jobs: number;
  memoryMax?: string | undefined;
  cpuQuota?: string | undefined;
}

/** How far away the history is from being enough. */
export function renderTooLittle({ evidence, needed, directory }: LearnedReport): string {
  const where = directory === undefined ? '' : ` below ${printable(directory)}`;
  const seen =
    evidence.runs === 0
      ? 'No run with jobs'
      : `${counted(evidence.runs, 'run')} with ${counted(evidence.jobs, 'job')}`;
  const killed =
    evidence.killed === 0
      ? ''
      : ` and ${counted(evidence.killed, 'run')} killed for lack of memory`;
  return (
    `${seen}${killed} ${evidence.runs + evidence.killed === 1 || evidence.runs === 0 ? 'is' : 'are'} in the history${where}; ` +
    `it counts from ${counted(needed.runs, 'run')} with ${needed.jobs} jobs together.`
  );
}

/** What it stands on, the three values beside those of now, and the reasons. */
export function renderLearned(learned: LearnedReport, present: Present): string {
  const { jobs, memoryMax, cpuQuota } = learned;
  const rows: [string, string, string, Advice<unknown>][] = [
    ['-j', String(present.jobs), String(jobs.value), jobs],
    ['MemoryMax', present.memoryMax ?? 'none', sizeOf(memoryMax.value), memoryMax],
    ['CPUQuota', present.cpuQuota ?? 'none', quotaOf(cpuQuota.value), cpuQuota],
  ];
  return [
    style.heading(`From ${ground(learned)}`),
    indent(
      table(
        ['', 'NOW', 'RUNS SAY', 'DECIDED BY'],
        rows.map(([name, now, value, { bound }]) => [
          name,
          now,
          now === value ? value : style.good(value),
          DECIDED[bound],
        ]),
        { align: ['left', 'right', 'right'] },
      ),
    ),
    '',
    ...rows.map(([name, , , { reason }]) => labelled(name, reason)),
    ...jobLines(learned),
  ].join('\n');
}

const DECIDED: Readonly<Record<Advice<unknown>['bound'], string>> = {
  memory: 'memory of the jobs',
  killed: 'a killed run',
  cpu: 'CPU time',
  tried: 'what was tried',
  cores: 'the cores',
  profile: 'the profile',
  minimum: 'the least there can be',
  model: 'the profile, without runs',
};

/** `12 runs with 480 jobs, 2026-11-01 to 2026-11-20, below /home/dev`. */
function ground({ evidence, directory }: LearnedReport): string {
  const { runs, jobs, killed, oldest, latest } = evidence;
  const days = [oldest, latest].flatMap((moment) =>
    moment === undefined ? [] : [localTime(moment).slice(0, 10)],
  );
  const span = [...new Set(days)].join(' to ');
  return [
    `${counted(runs, 'run')} with ${counted(jobs, 'job')}`,
    ...(span === '' ? [] : [span]),
    ...(killed === 0 ? [] : [`and ${counted(killed, 'run')} killed for lack of memory`]),
    ...(directory === undefined ? [] : [`below ${printable(directory)}`]),
  ].join(', ');
}

function jobLines({ evidence }: LearnedReport): string[] {
  const { perJob, cpu } = evidence;
  if (perJob === undefined) return [];
  const { median, high, max, isFromKill } = perJob;
  const cores =
    cpu?.perJob === undefined
      ? ''
      : ` It keeps ${Number(cpu.perJob.toFixed(1))} ${cpu.perJob.toFixed(1) === '1.0' ? 'core' : 'cores'} busy.`;
  const most = isFromKill
    ? `a killed run shows that more than ${seenBytes(high)} is wanted`
    : `95% no more than ${seenBytes(high)}, the largest ${seenBytes(max)}`;
  return [labelled('one job', `Half took no more than ${seenBytes(median)}, ${most}.${cores}`)];
}

/** The one experiment that the runs ask for. */
export function renderExperiment({ next, jobs }: LearnedReport): string[] {
  if (next === undefined) {
    const reason =
      jobs.bound === 'profile' ? '' : ': neither is memory short, nor would more jobs end sooner';
    return [indented(`Nothing that the runs ask for${reason}.`)];
  }
  return [
    indented(`${next.when} So ${next.action}.`),
    ...next.commands.map((line) => `    ${printable(line)}`),
  ];
}

/** A difference of files, coloured line by line. */
export function renderDiff(diff: string): string {
  return printableLines(diff)
    .split('\n')
    .map((line) =>
      line.startsWith('+') ? style.good(line) : line.startsWith('-') ? style.problem(line) : line,
    )
    .join('\n');
}

function sizeOf(bytes: number | undefined): string {
  return bytes === undefined ? 'none' : formatBytes(bytes);
}

function quotaOf(quota: number | undefined): string {
  return quota === undefined ? 'none' : formatCpuQuota(quota);
}

const LABEL = 'MemoryMax'.length;

function labelled(label: string, text: string): string {
  const indentation = LABEL + 4;
  const body = paragraph(printable(text), { indent: indentation }).slice(indentation);
  return `  ${style.faint(label.padEnd(LABEL))}  ${body}`;
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ');
}

function indented(text: string): string {
  return paragraph(printable(text), { indent: 2 });
}
