/** Processes of a unit that live in another cgroup, where its limits do not bind them. */
import { readdirSync, readFileSync } from 'node:fs';
import { cgroupOf, isAlive, isWithin, type Process, readProcess } from '../cgroup/index.js';
import type { Finding, UnitRecord } from '../model/index.js';
import { printable, shellQuote } from '../text/index.js';
import { CGROUPS } from './wording.js';

/** Where the processes of a unit belong. */
export interface Home {
  unit: string;
  /** Absent where the unit has none any more. */
  cgroup?: string;
  /** Of a run of ours. */
  record?: UnitRecord;
  /** Of a service: systemd's MainPID. */
  mainPid?: number;
}

export type Stray = Pick<Process, 'pid' | 'comm' | 'cgroup'>;

/**
 * Looks for such processes: those whose environment says that they are of a run (RLIMIT_UNIT), the
 * command of a run, which is the first child of its rlimit, and main processes of services. One
 * that was put under another run is bound by that one.
 * @param runs names of all units of ours
 */
export function findStrays(
  homes: readonly Home[],
  runs: ReadonlySet<string>,
  proc = '/proc',
): Map<string, Stray[]> {
  const strays = new Map<string, Stray[]>();
  const marked = homes.some(({ record }) => record) ? markedProcesses(proc) : [];
  for (const home of homes) {
    const pids = new Set([
      ...marked.filter(({ unit }) => unit === home.unit).map(({ pid }) => pid),
      ...commandOf(home, proc),
      ...(home.mainPid === undefined ? [] : [home.mainPid]),
    ]);
    const outside = [...pids].flatMap((pid) => strayOf(pid, home, runs, proc) ?? []);
    if (outside.length > 0) strays.set(home.unit, outside);
  }
  return strays;
}

/** One problem for all of them, with the lines that put them back. */
export function strayFinding({ unit, cgroup, record }: Home, strays: readonly Stray[]): Finding {
  const named = strays
    .slice(0, MOST_NAMED)
    .map((stray) => `${printable(stray.comm)} (${stray.pid}) in ${printable(stray.cgroup)}`);
  const more = strays.length - named.length;
  const list = [...named, ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
  const which = strays.length === 1 ? 'a process' : `${strays.length} processes`;
  const gone =
    cgroup === undefined ? `; ${unit} itself has ended, since nothing was left in it` : '';
  return {
    id: 'process-outside',
    severity: 'problem',
    unit,
    ...(strays[0] === undefined ? {} : { where: strays[0].cgroup }),
    cause: `${which} of this unit run${strays.length === 1 ? 's' : ''} in another cgroup, where its limits do not bind: ${list}${gone}`,
    remedy: cgroup === undefined ? adoptLine(strays, record) : putBack(strays, cgroup),
  };
}

const MOST_NAMED = 5;

/** Within one user's tree that user may move processes; across its border only root. */
function putBack(strays: readonly Stray[], cgroup: string): string {
  const own = managerOf(cgroup);
  return strays
    .map(({ pid, cgroup: from }) => {
      const isFree = own !== undefined && isWithin(from, own);
      const tee = isFree ? 'tee' : 'sudo tee';
      return `echo ${pid} | ${tee} ${shellQuote(`${CGROUPS}${cgroup}/cgroup.procs`)}`;
    })
    .join('\n');
}

function adoptLine(strays: readonly Stray[], record: UnitRecord | undefined): string {
  const pids = strays.map(({ pid }) => `--pid ${pid}`).join(' ');
  return `rlimit adopt ${shellQuote(record?.profile ?? 'default')} ${pids}`;
}

function managerOf(cgroup: string): string | undefined {
  return /^.*\/user@\d+\.service(?=\/)/.exec(cgroup)?.[0];
}

/** What systemd-run itself is, or starts, before it is in the scope and becomes the command. */
const STARTERS = ['systemd-run', 'systemd-tty-ask', 'pkttyagent'];

function strayOf(
  pid: number,
  { unit, cgroup, record }: Home,
  runs: ReadonlySet<string>,
  proc: string,
): Stray | undefined {
  const found = readProcess(pid, proc);
  if (found === undefined || (record && STARTERS.includes(found.comm))) return undefined;
  if (cgroup !== undefined && isWithin(found.cgroup, cgroup)) return undefined;
  // Where rlimit makes the cgroup, the command waits outside until it is moved into it.
  if (cgroup === undefined && record?.launcher === 'cgroup' && isYoung(found, proc))
    return undefined;
  const isOfAnother = found.cgroup.split('/').some((part) => part !== unit && runs.has(part));
  // A cgroup of another hierarchy, or of a namespace, tells nothing.
  if (isOfAnother || cgroupOf(pid, proc) === undefined) return undefined;
  return { pid, comm: found.comm, cgroup: found.cgroup };
}

/** Started in the last seconds; clock ticks are hundredths of a second (proc(5)). */
function isYoung({ startTicks }: Process, proc: string): boolean {
  const uptime = Number(/^\d+\.\d+/.exec(read(`${proc}/uptime`))?.[0]);
  return uptime * 100 - startTicks < YOUNG_TICKS;
}

const YOUNG_TICKS = 500;

/**
 * The command of a run that has its scope: rlimit starts nothing before it. Without a scope the
 * child may be what looks for the verdict.
 */
function commandOf({ cgroup, record }: Home, proc: string): number[] {
  const runner = record?.runner;
  if (runner === undefined || cgroup === undefined || !isAlive(runner, proc)) return [];
  const children = read(`${proc}/${runner.pid}/task/${runner.pid}/children`);
  const pids = children.split(' ').filter((pid) => /^\d+$/.test(pid));
  const processes = pids.flatMap((pid) => readProcess(Number(pid), proc) ?? []);
  const [first] = processes.sort((a, b) => a.startTicks - b.startTicks || a.pid - b.pid);
  return first === undefined ? [] : [first.pid];
}

/** Those whose environment we may read. */
function markedProcesses(proc: string): { pid: number; unit: string }[] {
  return readdirSync(proc)
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const environ = read(`${proc}/${name}/environ`);
      const unit = /(?:^|\0)RLIMIT_UNIT=([^\0]*)/.exec(environ)?.[1];
      return unit === undefined ? [] : [{ pid: Number(name), unit }];
    });
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
