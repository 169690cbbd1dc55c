import type { InspectedUnit, Inspection, PropertyRow } from '../inspect/index.js';
import type { Finding } from '../model/index.js';
import { parseBytes, parseCpuQuota, QuantityError } from '../quantity/index.js';
import { printable, shellLine } from '../text/index.js';
import { renderBudgetLine } from './budget-report.js';
import { humanBytes, humanPart, humanTime } from './figures.js';
import { renderFinding, severityMark } from './finding.js';
import { cut, paragraph, style, textWidth } from './style.js';
import { table } from './table.js';

/** The report for people: a block a unit, or one friendly line when there is none. */
export function renderInspection(
  { units, brokenRecords, budget, profile }: Inspection,
  now = Date.now(),
): string {
  const said = new Set<string>();
  const blocks = units.map((unit) => renderUnit(unit, said, now));
  if (units.some(({ findings }) => findings.length > 0)) {
    blocks.push(style.faint('More of a finding: rlimit inspect --explain ID'));
  }
  if (blocks.length === 0) blocks.push('No units of rlimit are running.');
  if (profile !== undefined) blocks.push(...renderProfile(profile));
  if (budget !== undefined) blocks.push(renderBudgetLine(budget));
  for (const { path, why } of brokenRecords) {
    blocks.push(`${style.warning('warning:')} ${printable(`${path} cannot be used: ${why}`)}`);
  }
  return blocks.join('\n\n');
}

/** What of a profile is not asked of any unit here. */
function renderProfile({ profile, leftOut }: NonNullable<Inspection['profile']>): string[] {
  return leftOut.map(({ property, why }) =>
    paragraph(printable(`${property} of profile ${profile} is left out here: ${why}`)),
  );
}

/** @param said causes and remedies that were told already */
function renderUnit(unit: InspectedUnit, said: Set<string>, now: number): string {
  return [
    ...headerOf(unit, now),
    ...(unit.properties.length === 0 ? ['  no limits'] : [indent(propertyTable(unit, now))]),
    ...remarksOf(unit),
    ...(unit.processes?.length ? [indent(processTable(unit.processes))] : []),
    ...unit.findings.map((finding) => renderOnce(finding, said)),
  ].join('\n');
}

const WITHOUT_SYSTEMD: Readonly<Record<string, string>> = {
  cgroup: 'in a cgroup of its own, without systemd',
  watched: 'watched by rlimit, without a cgroup',
};

function headerOf(unit: InspectedUnit, now: number): string[] {
  const { state, since, result, usage } = unit;
  const age = since === undefined ? undefined : (now - Date.parse(since)) * 1000;
  const failed = result !== undefined && result !== 'success' ? ` (${result})` : '';
  const title = [
    style.name(printable(unit.unit)),
    state === 'active' ? style.good(state) : style.warning(printable(state + failed)),
    ...(age === undefined || state !== 'active' ? [] : [`for ${humanTime(Math.max(0, age))}`]),
    ...(unit.manager === 'system' ? ['of the system'] : []),
    ...(unit.manager === 'none' ? [WITHOUT_SYSTEMD[unit.launcher ?? ''] ?? ''] : []),
  ];
  const jobs = unit.jobs === undefined ? '' : `, -j${unit.jobs}`;
  const lines = [title.join('  ')];
  if (unit.profile !== undefined) lines.push(`  profile  ${printable(unit.profile)}${jobs}`);
  const what = unit.command ? shellLine(unit.command) : unit.description;
  if (what !== undefined) lines.push(cut(`  command  ${printable(what)}`, textWidth()));
  const figures = [
    ...(usage.tasks === undefined
      ? []
      : [`${usage.tasks} ${usage.tasks === 1 ? 'task' : 'tasks'}`]),
    ...(usage.cpuUsec === undefined ? [] : [`${humanTime(usage.cpuUsec)} of CPU time`]),
    ...(usage.throttledUsec ? [`throttled for ${humanTime(usage.throttledUsec)}`] : []),
    ...(usage.oomKills ? [style.problem(`${usage.oomKills} killed for lack of memory`)] : []),
  ];
  if (figures.length > 0) lines.push(`  use      ${figures.join(', ')}`);
  return lines;
}

/** What does not fit into the table: limits above, shares, and what could not be found out. */
function remarksOf({ properties, partial = [] }: InspectedUnit): string[] {
  const above = new Map<string, string[]>();
  for (const { property, ancestor } of properties) {
    if (ancestor === undefined) continue;
    const name = ancestor.unit ?? ancestor.cgroup;
    above.set(name, [...(above.get(name) ?? []), `${property} ${ancestor.value}`]);
  }
  const shares = properties.flatMap(({ property, rule }) =>
    rule === undefined ? [] : [`${property}: ${rule}`],
  );
  return [
    ...[...above].map(([name, limits]) => field('above', `${name} allows ${limits.join(', ')}`)),
    ...shares.map((share) => field('share', share)),
    ...partial.map((what) => field('partial', what, style.warning)),
  ];
}

function field(label: string, text: string, mark = (words: string) => words): string {
  const body = paragraph(printable(text), { indent: FIELD_INDENT }).trimStart();
  return `  ${mark(label)}${' '.repeat(FIELD_INDENT - 2 - label.length)}${body}`;
}

/** Where the text of a line such as `  profile  coq-standard` begins. */
const FIELD_INDENT = 11;

function propertyTable(unit: InspectedUnit, now: number): string {
  const rows = unit.properties.map((row) => [
    row.property,
    row.asked === undefined ? '-' : printable(row.asked) || 'infinity',
    row.systemd === undefined ? '-' : printable(row.systemd),
    kernelCell(row),
    useOf(row, unit, now),
  ]);
  return table(['PROPERTY', 'ASKED', 'SYSTEMD', 'KERNEL', 'USE'], rows);
}

/** What is not in force stands out, also without colour. */
function kernelCell(row: PropertyRow): string {
  const { kernel, systemd, asked, inForce, watched, unchecked } = row;
  if (watched) return 'watched';
  const text = kernel === undefined ? '-' : printable(kernel);
  const isWanted = asked !== undefined || systemd !== undefined;
  return inForce || unchecked || !isWanted
    ? text
    : style.problem(kernel === undefined ? 'none!' : `${text}!`);
}

/** Use beside the limit that bounds it. */
function useOf(
  { property, kernel, systemd, asked, watched }: PropertyRow,
  unit: InspectedUnit,
  now: number,
): string {
  const { usage } = unit;
  const limit = kernel ?? systemd ?? (watched ? asked : undefined) ?? '';
  switch (property) {
    case 'MemoryMax':
    case 'MemoryHigh':
      return beside(usage.memoryCurrent, limit, humanBytes);
    case 'MemorySwapMax':
      return beside(usage.swapCurrent, limit, humanBytes);
    case 'TasksMax':
      return beside(usage.tasks, limit, String);
    case 'CPUQuota':
      return averageCpu(unit, limit, now);
    default:
      return '';
  }
}

function beside(use: number | undefined, limit: string, text: (use: number) => string): string {
  if (use === undefined) return '';
  const most = figureOf(limit, parseBytes);
  return most ? `${text(use)} (${humanPart(use, most)})` : text(use);
}

/** CPU time since the start per time since the start, as a quota is written. */
function averageCpu({ usage, since }: InspectedUnit, limit: string, now: number): string {
  const elapsedMs = since === undefined ? 0 : now - Date.parse(since);
  if (usage.cpuUsec === undefined || elapsedMs < 1000) return '';
  const average = usage.cpuUsec / elapsedMs / 10;
  const most = figureOf(limit, parseCpuQuota);
  const part = most ? ` (${humanPart(usage.cpuUsec, (most * elapsedMs) / 1000)})` : '';
  return `${Math.round(average)}% on average${part}`;
}

function figureOf(text: string, parse: (text: string) => number | 'infinity'): number | undefined {
  try {
    const value = parse(text);
    return value === 'infinity' ? undefined : value;
  } catch (error) {
    if (error instanceof QuantityError) return undefined;
    throw error;
  }
}

/** More than this many processes of a unit are counted, not listed. */
const MOST_PROCESSES = 15;

function processTable(processes: NonNullable<InspectedUnit['processes']>): string {
  const rows = processes
    .slice(0, MOST_PROCESSES)
    .map(({ pid, comm, memory, cpuUsec }) => [
      String(pid),
      memory === undefined ? '-' : humanBytes(memory),
      humanTime(cpuUsec),
      printable(comm),
    ]);
  const more = processes.length - rows.length;
  const list = table(['PID', 'MEMORY', 'CPU TIME', 'PROCESS'], rows, {
    align: ['right', 'right', 'right'],
  });
  return more > 0 ? `${list}\nand ${more} more` : list;
}

/** Many units often have the same trouble: it is explained once, and then only named. */
function renderOnce(finding: Finding, said: Set<string>): string {
  const { severity, property = '', cause, remedy, ...rest } = finding;
  if (said.has(cause)) return `${severityMark(severity)} ${property}: as above`;
  said.add(cause);
  if (remedy === undefined || !said.has(remedy)) {
    if (remedy !== undefined) said.add(remedy);
    return renderFinding(finding);
  }
  return renderFinding({ severity, property, cause, ...rest, remedy: 'as above' });
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}
