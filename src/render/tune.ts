import { roughBytes } from '../quantity/index.js';
import { printable } from '../text/index.js';
import type { TuneReport } from '../tune/index.js';
import { paragraph, style } from './style.js';

/** A recommendation with its reasons, and what to try next. */
export function renderTune({
  profile,
  machine,
  jobs,
  whyNotCores,
  next,
  command,
}: TuneReport): string {
  const { cores, memory } = machine;
  const range = jobs.low === jobs.high ? '' : ` (range ${jobs.low} to ${jobs.high})`;
  const here = `${cores} ${cores === 1 ? 'core' : 'cores'}, ${roughBytes(memory)} of memory`;
  return [
    `${style.heading(profile)} with ${here}: ${style.good(`-j${jobs.pick}`)}${range}`,
    `  ${printable(command)}`,
    '',
    ...[jobs.reason, ...jobs.notes].map(indented),
    '',
    style.heading('Why not one job for each core'),
    ...whyNotCores.map(indented),
    '',
    style.heading('What to try next'),
    ...next.flatMap(({ when, action, commands }) => [
      indented(`When ${when}, ${action}.`),
      ...commands.map((line) => `    ${printable(line)}`),
    ]),
  ].join('\n');
}

function indented(text: string): string {
  return paragraph(printable(text), { indent: 2 });
}
