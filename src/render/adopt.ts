import type { AdoptedProcess, AdoptReport } from '../adopt/index.js';
import type { Finding } from '../model/index.js';
import { isPropertyName, propertySpec } from '../properties/index.js';
import { printable } from '../text/index.js';
import { humanBytes } from './figures.js';
import { renderFinding } from './finding.js';
import { note } from './remark.js';
import { paragraph, style } from './style.js';
import { table } from './table.js';

/** More than this many processes are counted, not listed. */
const MOST_PROCESSES = 15;

/** What was adopted, for people. */
export function renderAdoption(report: AdoptReport): string {
  return [
    headline(report),
    processTable(report.processes),
    limitsLine(report),
    ...report.findings.map(renderCause),
    ...(report.findings.length > 0 ? ['`rlimit inspect` tells the remedy'] : []),
    ...notesOn(report),
  ].join('\n');
}

function headline({ dryRun, unit, processes, swept }: AdoptReport): string {
  const count = `${processes.length} ${processes.length === 1 ? 'process' : 'processes'}`;
  const late = swept === 0 ? '' : `, ${swept} of them born meanwhile`;
  return `${style.name(printable(unit))}  ${dryRun ? 'would adopt' : 'adopted'} ${count}${late}`;
}

function processTable(processes: readonly AdoptedProcess[]): string {
  const rows = processes
    .slice(0, MOST_PROCESSES)
    .map(({ pid, memory, comm, from }) => [
      String(pid),
      memory === undefined ? '-' : humanBytes(memory),
      printable(comm),
      printable(from === undefined ? '-' : lastPart(from)),
    ]);
  const more = processes.length - rows.length;
  const list = table(['PID', 'MEMORY', 'PROCESS', 'FROM'], rows, { align: ['right', 'right'] });
  return `${list.replace(/^(?=.)/gm, '  ')}${more > 0 ? `\n  and ${more} more` : ''}`;
}

function limitsLine({ dryRun, properties, findings }: AdoptReport): string {
  const troubled = new Set(
    findings.filter(({ id }) => id !== 'ancestor-tighter').map(({ property }) => property),
  );
  // Only what has a file in the kernel can be said to be in force: OOMPolicy= has none.
  const list = Object.entries(properties)
    .filter(([name]) => isPropertyName(name) && propertySpec(name).file && !troubled.has(name))
    .map(([name, value]) => `${name}=${value || 'infinity'}`);
  if (list.length === 0) return '  no limits';
  return paragraph(`${dryRun ? 'limits' : 'in force'}: ${list.join(' ')}`, { indent: 2 });
}

function renderCause({ remedy: _, ...finding }: Finding): string {
  return renderFinding(finding);
}

function notesOn(report: AdoptReport): string[] {
  return [
    ...escapes(report),
    ...held(report),
    ...stopped(report),
    ...services(report),
    ...outside(report),
    ...report.leftOut.map(({ property, wish, why }) =>
      note(`${property}=${wish} left out: ${why}`),
    ),
    ...(report.environment.length === 0
      ? []
      : [
          note(
            `${report.environment.join(', ')} of the profile not set: a running process cannot ` +
              'be given variables',
          ),
        ]),
    ...report.remarks.map(note),
  ];
}

function escapes({ escaped, strangers, unit }: AdoptReport): string[] {
  const list = escaped.map(({ pid, comm }) => `${pid} ${comm}`).join(', ');
  return [
    ...(escaped.length === 0
      ? []
      : [problem(`still outside, and not limited: ${list}; to try again: adopt them as well`)]),
    ...(strangers.length === 0
      ? []
      : [
          problem(
            `${strangers.join(', ')} changed hands while it was moved: another process is now in ` +
              `${unit} and limited with the others`,
          ),
        ]),
  ];
}

/** Memory is charged to the cgroup that a process is in when it takes it, and stays there. */
function held({ memory, processes }: AdoptReport): string[] {
  const from = [...new Set(processes.flatMap((one) => one.from ?? []).map(lastPart))];
  const where = from.length === 1 ? from[0] : 'where they came from';
  return [
    note(
      `the ${humanBytes(memory)} that they hold already stay charged to ${where}: in the new ` +
        'scope they count as nothing, so memory can grow by the whole limit from here',
    ),
  ];
}

function stopped({ processes }: AdoptReport): string[] {
  const pids = processes.filter((one) => one.stopped).map(({ pid }) => pid);
  if (pids.length === 0) return [];
  const one = pids.length === 1;
  return [
    note(
      `${pids.join(', ')} ${one ? 'was' : 'were'} stopped before, and ${one ? 'stays' : 'stay'} so`,
    ),
  ];
}

/** systemd starts a service again in the service's own cgroup. */
function services({ processes }: AdoptReport): string[] {
  const units = processes
    .filter(({ named }) => named)
    .flatMap(({ from = '' }) => lastPart(from).match(/.*\.service$/) ?? []);
  return [...new Set(units)].map((unit) =>
    note(
      `${unit} is a service: what systemd starts of it from now on is not limited; to limit the ` +
        `service itself: rlimit tune ${unit} -p NAME=VALUE`,
    ),
  );
}

const WHY_OUTSIDE = {
  'other-user': 'belongs to another user',
  'limited-already': 'is under limits of its own',
};

function outside(report: AdoptReport): string[] {
  return report.outside.map(({ pid, comm, why }) =>
    note(`${pid} ${comm} stays outside, with what it started: it ${WHY_OUTSIDE[why]}`),
  );
}

function problem(text: string): string {
  return paragraph(`${style.problem('problem:')} ${printable(text)}`);
}

function lastPart(cgroup: string): string {
  return cgroup.slice(cgroup.lastIndexOf('/') + 1) || '/';
}
