/** The processes that use most. */
import type { ProcessSample } from '../../model/index.js';
import { printable } from '../../text/index.js';
import { humanBytes } from '../figures.js';
import { nameOf } from '../process-name.js';
import { cut, style } from '../style.js';
import { percentOf } from './bars.js';
import type { MonitorLayout, MonitorSort } from './view.js';

const HEAD = ['PID', 'MEMORY', 'SWAP', 'CPU', 'PROCESS', 'UNIT'];
const WIDTHS = [8, 7, 7, 6];
const NAME = 18;

/** A heading and a line each, the first by the order that was asked for. */
export function processLines(
  processes: readonly ProcessSample[],
  { sort, most }: { sort: MonitorSort; most: number },
  { width }: MonitorLayout,
): string[] {
  if (most <= 0 || processes.length === 0) return [];
  const shown = sortProcesses(processes, sort).slice(0, most);
  return [
    style.heading(row(HEAD, width)),
    ...shown.map((each) =>
      row(
        [
          String(each.pid),
          humanBytes(each.rss),
          each.swap === undefined ? '-' : humanBytes(each.swap),
          each.cores === undefined ? '-' : percentOf(each.cores),
          printable(nameOf(each)),
          printable(unitOf(each.cgroup)),
        ],
        width,
      ),
    ),
  ];
}

function sortProcesses(processes: readonly ProcessSample[], sort: MonitorSort): ProcessSample[] {
  const size = ({ rss, swap = 0 }: ProcessSample) => rss + swap;
  return [...processes].sort((a, b) => {
    if (sort === 'cpu') return (b.cores ?? 0) - (a.cores ?? 0) || size(b) - size(a);
    // The largest, in the order of their names, would be others at each look: so all, by name.
    if (sort === 'name') return a.comm < b.comm ? -1 : a.comm > b.comm ? 1 : a.pid - b.pid;
    return size(b) - size(a);
  });
}

function row(cells: readonly string[], width: number): string {
  const figures = WIDTHS.map((columns, index) => (cells[index] ?? '').padStart(columns)).join(' ');
  const [, , , , name = '', unit = ''] = cells;
  const room = Math.max(8, width - figures.length - 2 - NAME - 2);
  return `${figures}  ${cut(name, NAME).padEnd(NAME)}  ${cut(unit, room)}`.trimEnd();
}

/** The unit that a cgroup belongs to: the last part of its path that is one. */
function unitOf(cgroup = ''): string {
  const parts = cgroup.split('/').filter((part) => /\.(service|scope|slice)$/.test(part));
  return parts.at(-1) ?? '';
}
