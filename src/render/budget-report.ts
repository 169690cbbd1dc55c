import type { BudgetChange, BudgetLimit, BudgetReport } from '../budget/index.js';
import type { Amount, BudgetHolder, BudgetState, BudgetWaiter } from '../model/index.js';
import { printable, shellLine } from '../text/index.js';
import { humanBytes, humanTime } from './figures.js';
import { renderFinding } from './finding.js';
import { cut, paragraph, style, textWidth } from './style.js';
import { table } from './table.js';

/** The budget for people: its limits, its memory, who holds what and who waits. */
export function renderBudget(report: BudgetReport, now = Date.now()): string {
  const { limits, memory, holders, waiting, findings, brokenRecords, active } = report;
  const blocks = [
    limits.length === 0
      ? 'No budget is set: nothing bounds all runs together. `rlimit budget set` sets one.'
      : limitBlock(limits, active),
  ];
  if (memory !== undefined) blocks.push(memoryLine({ ...memory, waiting }, report.used));
  if (holders.length > 0) blocks.push(holderTable(holders, now));
  if (waiting.length > 0) blocks.push(waitingTable(waiting, now));
  blocks.push(...findings.map(renderFinding));
  for (const { path, why } of brokenRecords) {
    blocks.push(`${style.warning('warning:')} ${printable(`${path} cannot be used: ${why}`)}`);
  }
  return blocks.join('\n\n');
}

/** What `budget set` and `budget clear` did. */
export function renderBudgetChange(change: BudgetChange, now = Date.now()): string {
  const { written, removed, backups, leftOut, budget } = change;
  const lines = [
    ...(written === undefined ? [] : [`Wrote ${printable(written)}`]),
    ...removed.map((path) => `Removed ${printable(path)}`),
    ...backups.map((path) => `It had been edited by hand: kept as ${printable(path)}`),
    ...leftOut.map(({ property, wish, why }) =>
      paragraph(`${style.warning('note:')} ${property}=${printable(wish)} left out: ${why}`),
    ),
  ];
  if (lines.length > 0) lines.push('');
  return [...lines, renderBudget(budget, now)].join('\n');
}

/** One line on the budget, below what `inspect` tells of the units. */
export function renderBudgetLine(budget: BudgetState): string {
  return memoryLine(budget);
}

function limitBlock(limits: readonly BudgetLimit[], active: boolean): string {
  const rows = limits.map(({ property, value, wish, kernel, inForce }) => [
    property,
    printable(value),
    inForce || !active
      ? (kernel ?? '-')
      : style.problem(kernel === undefined ? 'none!' : `${kernel}!`),
    wish === undefined ? '' : printable(wish),
  ]);
  const list = table(['PROPERTY', 'LIMIT', 'KERNEL', 'ASKED AS'], rows);
  return active
    ? list
    : `${list}\nIn force from the next run on: systemd has not made the slice yet.`;
}

function memoryLine(
  { memoryMax, promised, free, waiting }: Omit<BudgetState, 'holders'>,
  used?: number,
): string {
  const figures = [
    `${humanBytes(promised)} of ${humanBytes(memoryMax)} promised`,
    `${humanBytes(free)} free`,
    ...(used === undefined ? [] : [`${humanBytes(used)} in use`]),
    ...(waiting.length === 0 ? [] : [style.warning(`${waiting.length} waiting`)]),
  ];
  return `budget  ${figures.join(', ')}`;
}

function holderTable(holders: readonly BudgetHolder[], now: number): string {
  const rows = holders.map(({ unit, profile, promise, used, since, command }) => [
    printable(unit),
    shareText(promise),
    used === undefined ? '-' : humanBytes(used),
    age(since, now),
    what(unit, profile, command),
  ]);
  return fitted(['HELD BY', 'PROMISED', 'USED', 'FOR', 'COMMAND'], rows);
}

function waitingTable(waiting: readonly BudgetWaiter[], now: number): string {
  const rows = waiting.map(({ place, unit, profile, wants, since, command }) => [
    printable(unit),
    place === undefined ? 'stopped' : String(place),
    shareText(wants),
    age(since, now),
    what(unit, profile, command),
  ]);
  return fitted(['WAITING', 'PLACE', 'WANTS', 'FOR', 'COMMAND'], rows);
}

/** The last column gets what the others leave of the line. */
function fitted(head: readonly string[], rows: readonly string[][]): string {
  const widths = head
    .slice(0, -1)
    .map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const rest = textWidth() - widths.reduce((sum, width) => sum + width + 2, 0);
  const cells = rows.map((row) => [...row.slice(0, -1), cut(row.at(-1) ?? '', Math.max(12, rest))]);
  return table(head, cells, { align: ['left', 'right', 'right', 'right'] });
}

function shareText(amount: Amount): string {
  return amount === 'infinity' ? 'all' : humanBytes(amount);
}

/** The clock may have been set back since. */
function age(since: number, now: number): string {
  return humanTime(Math.max(0, now - since) * 1000);
}

/** A unit with a name of its own does not tell its profile. */
function what(unit: string, profile: string, command: readonly string[]): string {
  const line = printable(shellLine(command));
  return unit.startsWith(`rlimit-${profile}-`) ? line : `${printable(profile)}: ${line}`;
}
