import { roughBytes } from '../quantity/index.js';
import { printable } from '../text/index.js';
import type { LearnedReport, TuneReport } from '../tune/index.js';
import { type Present, renderExperiment, renderLearned, renderTooLittle } from './learned.js';
import { paragraph, style } from './style.js';

/** A recommendation with its reasons, and what to try next; the history's in front of the table's. */
export function renderTune(
  report: TuneReport & { learned?: LearnedReport },
  { memoryMax, cpuQuota }: Omit<Present, 'jobs'> = {},
): string {
  const { jobs, whyNotCores, learned } = report;
  const isLearned = learned !== undefined && learned.jobs.bound !== 'model';
  const present = { jobs: jobs.pick, memoryMax, cpuQuota };
  return [
    heading(report, isLearned ? learned : undefined),
    '',
    ...(isLearned ? [renderLearned(learned, present), '', style.heading('Without them')] : []),
    ...[jobs.reason, ...jobs.notes].map(indented),
    ...(learned !== undefined && !isLearned ? [indented(renderTooLittle(learned))] : []),
    '',
    style.heading('Why not one job for each core'),
    ...whyNotCores.map(indented),
    '',
    style.heading('What to try next'),
    ...(isLearned ? renderExperiment(learned) : usualSteps(report)),
  ].join('\n');
}

function heading({ profile, machine, jobs, command }: TuneReport, learned?: LearnedReport): string {
  const { cores, memory } = machine;
  const range = jobs.low === jobs.high ? '' : ` (range ${jobs.low} to ${jobs.high})`;
  const here = `${cores} ${cores === 1 ? 'core' : 'cores'}, ${roughBytes(memory)} of memory`;
  const number = learned === undefined ? jobs.pick : learned.jobs.value;
  const beside = learned === undefined ? range : '';
  return [
    `${style.heading(profile)} with ${here}: ${style.good(`-j${number}`)}${beside}`,
    `  ${printable(learned?.command ?? command)}`,
  ].join('\n');
}

function usualSteps({ next }: TuneReport): string[] {
  return next.flatMap(({ when, action, commands }) => [
    indented(`When ${when}, ${action}.`),
    ...commands.map((line) => `    ${printable(line)}`),
  ]);
}

function indented(text: string): string {
  return paragraph(printable(text), { indent: 2 });
}
