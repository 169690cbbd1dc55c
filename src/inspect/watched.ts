/**
 * What can be said of the limits of a run that has no cgroup and that rlimit itself watches over.
 * Pure, and light to import: `run` says it before the start, `inspect` while it runs.
 */
import type { Finding, Machine } from '../model/index.js';
import { isPropertyName, type PropertyName } from '../properties/index.js';
import { formatCpuList, parseCpuList, parseCpuQuota, parseWeight } from '../quantity/index.js';
import * as causes from './causes.js';
import type { Asked, KernelContext } from './context.js';
import { kernelWrites } from './kernel-text.js';
import { meaningOf, tolerant } from './meaning.js';

/** CPU time in µs per second that one CPU is. */
const ONE_CPU = 1_000_000;

/** The limits that are watched; one that was not asked for is absent. */
export interface WatchedLimits {
  /** Bytes of memory; of memory and swap together where `swap` is true. */
  memory?: number;
  tasks?: number;
  /** OOMPolicy: whether only the largest process has to end, or all of them. */
  policy: 'continue' | 'all';
  /** Whether what was swapped out counts: with a bound of its own it must not be a way out. */
  swap: boolean;
}

/** @param properties systemd property name → value */
export function watchedLimits(
  properties: Readonly<Record<string, string>>,
  machine: Pick<Machine, 'memory' | 'swap'>,
): WatchedLimits {
  const figures = new Map(
    kernelWrites(properties, machine).map(({ property, text }) => [property, Number(text)]),
  );
  // `max` is no number.
  const finite = (name: PropertyName) => {
    const value = figures.get(name);
    return value !== undefined && Number.isFinite(value) ? value : undefined;
  };
  const memory = finite('MemoryMax');
  const swap = machine.swap === 0 ? undefined : finite('MemorySwapMax');
  const tasks = finite('TasksMax');
  return {
    ...(memory === undefined ? {} : { memory: memory + (swap ?? 0) }),
    ...(tasks === undefined ? {} : { tasks }),
    policy: (properties.OOMPolicy ?? 'continue').trim() === 'continue' ? 'continue' : 'all',
    swap: memory !== undefined && swap !== undefined,
  };
}

/** What the kernel says of a process of the run. Unknown fields are absent. */
export interface WatchedView {
  machine: Pick<Machine, 'cpus' | 'memory' | 'swap'>;
  /** CPUs it may run on. */
  cpus?: readonly number[];
  nice?: number;
  /** Whether the rlimit that watches is alive. */
  watching: boolean;
}

/** What is in force only in part or not at all, and what is watched. */
export function watchedFindings(
  properties: Readonly<Record<string, string>>,
  view: WatchedView,
  context: KernelContext = {},
): { findings: Finding[]; watched: PropertyName[] } {
  const findings: Finding[] = [];
  const watched: PropertyName[] = [];
  const limits = watchedLimits(properties, view.machine);
  for (const [name, text] of Object.entries(properties)) {
    if (!isPropertyName(name) || holdsAnyway(name, text, limits, view)) continue;
    const asked = { name, text };
    if (isWatched(name, limits)) {
      if (view.watching) watched.push(name);
      else findings.push(causes.watcherGone(asked, context));
      continue;
    }
    const finding = findingOn(asked, view, context);
    if (finding !== undefined) findings.push(finding);
  }
  return { findings, watched };
}

/**
 * The niceness that comes nearest to a CPUWeight below the usual 100: each step of it gives 1.25
 * times less time (sched(7), sched_prio_to_weight in the kernel). Absent where none is needed, or
 * only root could set it.
 */
export function nicenessFor(weightText: string | undefined): number | undefined {
  if (!weightText) return undefined;
  const weight = tolerant(() => parseWeight(weightText, { idle: true }));
  if (weight === 'idle') return 19;
  if (weight === undefined || weight >= 100) return undefined;
  return Math.min(19, Math.max(1, Math.round(Math.log(100 / weight) / Math.log(1.25))));
}

/** Nothing is wanted that is not so without anybody's doing. */
function holdsAnyway(
  name: PropertyName,
  text: string,
  limits: WatchedLimits,
  { machine }: WatchedView,
): boolean {
  const meaning = meaningOf(name);
  const value = tolerant(() => meaning.asked(text));
  if (value !== undefined && (value === meaning.unset || value === 'infinity')) return true;
  if (name === 'MemorySwapMax') return machine.swap === 0;
  if (name === 'OOMPolicy') return limits.memory === undefined;
  return name === 'CPUQuota' && Number(value) >= machine.cpus * ONE_CPU;
}

function isWatched(name: PropertyName, { memory, tasks, swap }: WatchedLimits): boolean {
  if (name === 'MemoryMax' || name === 'OOMPolicy') return memory !== undefined;
  if (name === 'TasksMax') return tasks !== undefined;
  return name === 'MemorySwapMax' && swap;
}

function findingOn(asked: Asked, view: WatchedView, context: KernelContext): Finding | undefined {
  switch (asked.name) {
    case 'CPUQuota':
      return onQuota(asked, view, context);
    case 'AllowedCPUs':
      return onCpus(asked, view, context);
    case 'CPUWeight':
      return onWeight(asked, view, context);
    default:
      return causes.noCgroup(asked, context);
  }
}

function onQuota(asked: Asked, { cpus, machine }: WatchedView, context: KernelContext): Finding {
  const quota = tolerant(() => parseCpuQuota(asked.text));
  if (typeof quota !== 'number' || cpus === undefined) return causes.noCgroup(asked, context);
  if (cpus.length > Math.ceil(quota / ONE_CPU) || cpus.length >= machine.cpus) {
    return causes.noCgroup(asked, context);
  }
  const exact = cpus.length * ONE_CPU <= quota;
  return causes.heldByAffinity(asked, { cpus: cpuNames(cpus), exact }, context);
}

function onCpus(asked: Asked, { cpus }: WatchedView, context: KernelContext): Finding {
  const wanted = tolerant(() => parseCpuList(asked.text)) ?? [];
  if (cpus === undefined || cpus.length === 0 || cpus.some((cpu) => !wanted.includes(cpu))) {
    return causes.noCgroup(asked, context);
  }
  return causes.heldByAffinity(asked, { cpus: cpuNames(cpus), exact: true }, context);
}

function onWeight(asked: Asked, { nice }: WatchedView, context: KernelContext): Finding {
  const wanted = nicenessFor(asked.text);
  if (wanted === undefined || nice === undefined || nice < wanted) {
    return causes.noCgroup(asked, context);
  }
  return causes.heldByNiceness(asked, nice, context);
}

function cpuNames(cpus: readonly number[]): string {
  return `${cpus.length === 1 ? 'CPU' : 'CPUs'} ${formatCpuList(cpus)}`;
}
