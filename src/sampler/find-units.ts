/** Which cgroups are units that somebody has limited. */
import { readdirSync } from 'node:fs';
import type { Amount } from '../model/index.js';
import { amountOf, coresOf, countOf } from './figures.js';
import { readText } from './kept-file.js';

/** More cgroups are not looked through: any user may make as many as they like in their own tree. */
const MOST_CGROUPS = 4000;

/** A unit without other limits is shown from this part of its TasksMax on, whoever chose that. */
const NEARLY_FULL = 0.8;

/** A unit by where it is. */
export interface FoundUnit {
  unit: string;
  /** Path below the cgroup root, beginning with a slash. */
  cgroup: string;
}

export interface FindOptions {
  /** Where the cgroup tree is. */
  root: string;
  proc: string;
  /** Units that are wanted whether they have a limit or not. */
  isWanted: (unit: string, cgroup: string) => boolean;
}

/**
 * Units (.service, .scope, .slice) that have a limit of their own: memory.max, memory.high,
 * memory.swap.max, cpu.max, or a pids.max that somebody chose. systemd gives nearly every unit a
 * TasksMax (15 % of what the machine may have, and user slices 33 %: systemd-system.conf(5),
 * user-.slice.d); one of these is no limit that a person knows of, until it is nearly reached.
 * Those nearer to the root come first.
 */
export function findLimitedUnits({ root, proc, isWanted }: FindOptions): FoundUnit[] {
  const seen = walk(root).map((cgroup) => lookAt(cgroup, root));
  const defaults = taskDefaults(proc, seen);
  const isChosen = ({ tasks, tasksMax }: Seen) =>
    typeof tasksMax === 'number' &&
    (!defaults.has(tasksMax) || (tasks ?? 0) >= tasksMax * NEARLY_FULL);
  return seen
    .filter((each) => each.isLimited || isChosen(each) || isWanted(each.unit, each.cgroup))
    .map(({ unit, cgroup }) => ({ unit, cgroup }));
}

interface Seen extends FoundUnit {
  isLimited: boolean;
  tasks: number | undefined;
  tasksMax: Amount | undefined;
}

/** Units below the root of the tree, those nearer to it first. */
function walk(root: string): string[] {
  const found: string[] = [];
  let level = [''];
  while (level.length > 0 && found.length < MOST_CGROUPS) {
    level = level.flatMap((cgroup) => childrenOf(root, cgroup));
    // Below what is no unit (the inside of a container) there are none.
    level = level.slice(0, MOST_CGROUPS - found.length);
    found.push(...level);
  }
  return found;
}

function childrenOf(root: string, cgroup: string): string[] {
  try {
    return readdirSync(`${root}${cgroup}`, { withFileTypes: true })
      .filter((entry) => /\.(service|scope|slice)$/.test(entry.name) && entry.isDirectory())
      .map(({ name }) => `${cgroup}/${name}`);
  } catch {
    return [];
  }
}

function lookAt(cgroup: string, root: string): Seen {
  const read = <T>(file: string, parse: (text: string) => T) => {
    const text = readText(`${root}${cgroup}/${file}`);
    return text === undefined ? undefined : parse(text);
  };
  const isLimit = (amount: Amount | undefined) => typeof amount === 'number';
  const tasksMax = read('pids.max', amountOf);
  return {
    unit: cgroup.slice(cgroup.lastIndexOf('/') + 1),
    cgroup,
    isLimited:
      isLimit(read('memory.max', amountOf)) ||
      isLimit(read('memory.high', amountOf)) ||
      isLimit(read('memory.swap.max', amountOf)) ||
      isLimit(read('cpu.max', coresOf)),
    tasks: isLimit(tasksMax) ? read('pids.current', countOf) : undefined,
    tasksMax,
  };
}

/** Of a default that an administrator has set, so many units have the same. */
const COMMON = 4;

/**
 * Values of pids.max that systemd gives by itself: 15 and 33 % of the least of pid_max, threads-max
 * and the pids.max of the tree, and what is the most common one.
 */
function taskDefaults(proc: string, seen: readonly Seen[]): Set<number> {
  const limits = ['pid_max', 'threads-max'].flatMap(
    (name) => countOf(readText(`${proc}/sys/kernel/${name}`) ?? '') ?? [],
  );
  const most = Math.min(...limits);
  const defaults = new Set<number>();
  if (Number.isFinite(most)) {
    // As systemd rounds it, in src/basic/limits-util.c.
    for (const percent of [15, 33]) defaults.add(Math.floor((most * percent) / 100));
  }
  const counts = new Map<number, number>();
  for (const { tasksMax } of seen) {
    if (typeof tasksMax === 'number') counts.set(tasksMax, (counts.get(tasksMax) ?? 0) + 1);
  }
  const [common] = [...counts].sort(([, a], [, b]) => b - a);
  if (common !== undefined && common[1] >= COMMON) defaults.add(common[0]);
  return defaults;
}
