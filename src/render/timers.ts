import type { Verification } from '../alerts/verify.js';
import { counted, printable } from '../text/index.js';
import type { TimerChange, TimerStatus } from '../timers/index.js';
import type { FileChange } from '../units/index.js';
import { localTime } from './figures.js';
import { renderFinding } from './finding.js';
import { paragraph, style } from './style.js';
import { table } from './table.js';

/** What was set up or taken away. */
export function renderTimerChange({ files, commands }: TimerChange): string {
  if (files.length === 0) return 'There is nothing of rlimit to take away.';
  return [...files.map(fileLine), ...commands].join('\n');
}

const DONE: Readonly<Record<FileChange['done'], string>> = {
  written: 'wrote',
  replaced: 'replaced',
  unchanged: 'is as it was:',
  removed: 'removed',
  restored: 'put back',
  left: 'left, since it is not of rlimit:',
};

function fileLine({ file, done, backup }: FileChange): string {
  const kept = backup === undefined ? '' : ` (the former one is kept as ${printable(backup)})`;
  return `${DONE[done]} ${printable(file)}${kept}`;
}

/** A line for each timer. */
export function renderTimerStatus(timers: readonly TimerStatus[]): string {
  const rows = timers.map((timer) => [
    timer.name,
    timer.installed ? stateOf(timer) : style.faint('not installed'),
    momentOf(timer.last),
    resultOf(timer),
    momentOf(timer.next),
  ]);
  return [
    table(['TIMER', 'STATE', 'LAST', 'RESULT', 'NEXT'], rows),
    '',
    ...timers.map(({ name, title }) => paragraph(`${name} ${title}`)),
  ].join('\n');
}

function stateOf({ active = 'unknown', enabled, origin, plan }: TimerStatus): string {
  const words = [
    active === 'active' ? style.good(active) : style.warning(active),
    ...(enabled === undefined || enabled === 'enabled' ? [] : [enabled]),
    ...(plan !== undefined
      ? [`plan ${printable(plan)}`]
      : origin === 'edited' || origin === 'foreign'
        ? [origin]
        : []),
  ];
  return words.join(', ');
}

function resultOf({ name, result, status }: TimerStatus): string {
  if (result === undefined) return '-';
  if (name === 'verify' && status === 1) return style.problem('problems found');
  if (result === 'success') return style.good(result);
  return style.problem(`${result}${status === undefined ? '' : ` ${status}`}`);
}

function momentOf(moment: number | undefined): string {
  return moment === undefined ? '-' : localTime(moment);
}

/** What the daily look found. */
export function renderVerification({ problems, checks, units, unknown }: Verification): string {
  const looked = `${counted(checks, 'check')}, ${counted(units, 'running unit')}`;
  return [
    ...problems.map(renderFinding),
    ...unknown.map((text) => paragraph(`${style.warning('unknown:')} ${printable(text)}`)),
    `${looked}: ${problems.length === 0 ? 'no problems' : counted(problems.length, 'problem')}`,
  ].join('\n');
}
