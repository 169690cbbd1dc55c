import type { ChangeReport, ChangeRow, Hazard } from '../change/index.js';
import { printable } from '../text/index.js';
import { humanBytes } from './figures.js';
import { renderFinding } from './finding.js';
import { note, warning } from './remark.js';
import { paragraph, style } from './style.js';
import { table } from './table.js';

/** What a live change did, for people. */
export function renderChange(report: ChangeReport): string {
  const { unit, dryRun, gone, rows, leftOut, hazards, findings } = report;
  const title = gone ? style.problem('has ended') : dryRun ? 'would change' : 'changed';
  return [
    `${style.name(printable(unit))}  ${title}`,
    ...(rows.length === 0 ? [] : [changeTable(rows, dryRun)]),
    ...rows.flatMap(({ property, rule }) =>
      rule === undefined ? [] : [note(`${property}: ${rule}`)],
    ),
    ...(report.slice === undefined
      ? []
      : [
          note(
            `${report.slice}, the slice of this run, has the limits as well and is changed, too`,
          ),
        ]),
    ...leftOut.map(({ property, wish, why }) => note(`${property}=${wish} left out: ${why}`)),
    ...hazards.map((hazard) => renderHazard(hazard, report)),
    ...kills(report),
    ...findings.map(renderFinding),
  ].join('\n');
}

/** The same in one line: what is in force now, what is not, and who did not live through it. */
export function renderChangeBriefly(report: ChangeReport): string {
  const { unit, gone, rows, ended, findings } = report;
  const name = printable(unit);
  if (gone) return `${name} has ended`;
  const changes = rows.map(({ property, before = '-', after = 'none', inForce }) =>
    inForce ? `${property} ${before} -> ${after}` : `${property} is not in force (${after} is)`,
  );
  const problems = findings.filter(({ severity }) => severity === 'problem');
  const killed = ended.length === 0 ? [] : [`${ended.length} processes have ended`];
  const all = [...changes, ...killed, ...problems.map(({ cause }) => cause)];
  return printable(`${name}: ${all.join(', ')}`);
}

function changeTable(rows: readonly ChangeRow[], dryRun: boolean): string {
  const list = table(
    ['PROPERTY', 'BEFORE', 'ASKED', ...(dryRun ? [] : ['NOW'])],
    rows.map(({ property, before, value, after, inForce }) => [
      property,
      printable(before ?? '-'),
      printable(value || 'none'),
      ...(dryRun ? [] : [inForce ? printable(after ?? '-') : style.problem(`${after ?? 'none'}!`)]),
    ]),
  );
  return list.replace(/^(?=.)/gm, '  ');
}

function renderHazard({ id, property, limit, used, cache = 0 }: Hazard, { dryRun }: ChangeReport) {
  const bytes = `${humanBytes(used)} in use ${dryRun ? 'are' : 'were'} above ${property}=${humanBytes(limit)}`;
  switch (id) {
    case 'memory-above-max':
      return warning(`${bytes}: the kernel takes back what it can and kills for the rest`);
    case 'cache-above-max':
      return note(`${bytes}, ${humanBytes(cache)} of it cached files, which the kernel drops`);
    case 'memory-above-high':
      return warning(`${bytes}: the whole unit is slowed down until it uses less`);
    case 'swap-above-max':
      return note(`${bytes}: what is swapped out stays there, and nothing more goes`);
    default:
      return warning(
        `${used} tasks ${dryRun ? 'are' : 'were'} above ${property}=${limit}: none of them ends, ` +
          'and no new one can start until there are fewer',
      );
  }
}

function kills({ oomKills, ended }: ChangeReport): string[] {
  const count = oomKills === undefined ? 0 : oomKills.after - oomKills.before;
  if (count <= 0 && ended.length === 0) return [];
  const who = ended.map(({ pid, comm, memory }) => {
    return `${comm} (${pid})${memory === undefined ? '' : ` with ${humanBytes(memory)}`}`;
  });
  const list = who.length === 0 ? '' : `; ended since: ${who.join(', ')}`;
  const killed = `${count} ${count === 1 ? 'process' : 'processes'} killed for lack of memory`;
  return [paragraph(`${style.problem('problem:')} ${printable(killed + list)}`)];
}
