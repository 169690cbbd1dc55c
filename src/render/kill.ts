import type { EndedProcess, KilledUnit, KillReport } from '../kill/index.js';
import { printable } from '../text/index.js';
import { humanBytes } from './figures.js';
import { style } from './style.js';
import { table } from './table.js';

/** More than this many processes of a unit are counted, not listed. */
const MOST_PROCESSES = 15;

/** What was killed, for people. */
export function renderKill(report: KillReport): string {
  const blocks = report.units
    .filter(({ processes }) => processes.length > 0)
    .map((unit) => renderUnit(unit, report));
  return [...blocks, renderTotal(report)].join('\n\n');
}

function renderUnit({ unit, processes }: KilledUnit, { signal }: KillReport): string {
  const rows = processes
    .slice(0, MOST_PROCESSES)
    .map((ended) => [
      String(ended.pid),
      ended.memory === undefined ? '-' : humanBytes(ended.memory),
      printable(ended.comm),
      howOf(ended, signal),
    ]);
  const list = table(['PID', 'MEMORY', 'PROCESS', 'END'], rows, { align: ['right', 'right'] });
  const more = processes.length - rows.length;
  return [
    style.name(printable(unit)),
    list.replace(/^(?=.)/gm, '  '),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ].join('\n');
}

function howOf({ end, refused }: EndedProcess, signal: string): string {
  switch (end) {
    case 'signal':
      return `ended by ${signal}`;
    case 'killed':
      return style.warning('had to be killed');
    case 'survived':
      return style.problem(refused ? 'survived: you may not signal it' : 'survived');
    case 'spared':
      return 'is rlimit itself, and ends now';
    default:
      return 'would be ended';
  }
}

/** What came of it, in one line. */
export function renderTotal({ units, ended, survived, memory, dryRun }: KillReport): string {
  if (ended + survived === 0) {
    if (units.length === 0) return 'There is nothing of rlimit to kill.';
    const names = units.map(({ unit }) => printable(unit)).join(', ');
    return `There is no process to kill in ${names}.`;
  }
  const which = `${ended} ${ended === 1 ? 'process' : 'processes'}, ${humanBytes(memory)} of memory`;
  if (dryRun) return `Would end ${which}.`;
  const left = survived === 0 ? '' : ` ${style.problem(`${survived} survived.`)}`;
  return `Ended ${which}.${left}`;
}
