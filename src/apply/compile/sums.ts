/** The caps of a plan against the machine. Pure. */
import { formatBytes, parseBytes, roughBytes } from '../../quantity/index.js';
import { counted } from '../../text/index.js';
import type { PlanFacts } from '../facts.js';
import { fileNameOf } from '../facts.js';
import type { Plan } from '../plan.js';
import type { ResolvedTarget } from './targets.js';
import type { Sums, SumTerm } from './types.js';

/** A cap on so many units, and the slice above that bounds them together. */
interface Cap {
  what: string;
  each: number;
  count: number;
  slice: string;
}

/**
 * Adds the caps up: each tree of each person counts. A cap of a slice above bounds what is below it,
 * which then counts with the bound at most.
 */
export function sumsOf(
  plan: Plan,
  targets: readonly ResolvedTarget[],
  written: ReadonlySet<string>,
  facts: PlanFacts,
): Sums {
  const bounds = boundsOf(targets);
  const caps = targets.flatMap((target) => capsOf(target, written, facts));
  const terms: SumTerm[] = [];
  for (const slice of new Set(caps.map((cap) => cap.slice))) {
    const below = caps.filter((cap) => cap.slice === slice);
    const bytes = below.reduce((sum, { each, count }) => sum + each * count, 0);
    const bound = bounds.get(slice);
    if (bound !== undefined && bound < bytes) {
      terms.push({
        what: `${slice}, which bounds ${below.map(({ what }) => what).join(' and ')}`,
        bytes: bound,
      });
      continue;
    }
    terms.push(...below.map(({ what, each, count }) => ({ what, bytes: each * count })));
  }
  for (const [slice, bytes] of bounds) {
    if (caps.some((cap) => cap.slice === slice) || slice === 'user.slice') continue;
    if (slice !== 'system.slice') terms.push({ what: slice, bytes });
  }
  const total = terms.reduce((sum, { bytes }) => sum + bytes, 0);
  const { memory } = facts.machine;
  const isOver = total > memory;
  const notes = [
    ...(isOver ? [overNote(total, memory)] : []),
    ...dailyNote(plan, total, memory),
    ...idleNotes(targets, facts),
  ];
  return { terms, caps: total, memory, isOver, notes };
}

function memoryMax({ limitsHere }: ResolvedTarget): number | undefined {
  const value = limitsHere.properties.find(({ property }) => property === 'MemoryMax')?.value;
  if (value === undefined || value.endsWith('%')) return undefined;
  const bytes = parseBytes(value);
  return bytes === 'infinity' ? undefined : bytes;
}

/** Slices that hold other units, with their caps. */
function boundsOf(targets: readonly ResolvedTarget[]): Map<string, number> {
  return new Map(
    targets.flatMap((target) => {
      const max = memoryMax(target);
      return target.units.kind === 'slice' && max !== undefined
        ? [[target.units.name, max] as const]
        : [];
    }),
  );
}

function capsOf(target: ResolvedTarget, written: ReadonlySet<string>, facts: PlanFacts): Cap[] {
  const each = memoryMax(target);
  if (each === undefined) return [];
  const { units } = target;
  const people = Math.max(1, facts.people.length);
  if (units.kind === 'users') {
    return [
      {
        what: `${counted(people, 'user')}, ${formatBytes(each)} each`,
        each,
        count: people,
        slice: 'user.slice',
      },
    ];
  }
  if (units.kind !== 'service') return [];
  return units.names
    .filter((name) => written.has(fileNameOf(name)))
    .map((name) => {
      if (!name.includes('@*')) return { what: name, each, count: 1, slice: 'system.slice' };
      const running = facts.instances[fileNameOf(name)]?.length ?? 0;
      const count = Math.max(running, people);
      // systemd puts the instances of a template into a slice of their own (systemd.special(7)).
      const prefix = name.slice(0, name.indexOf('@')).replaceAll('-', '\\x2d');
      return {
        what: `${counted(count, 'instance')} of ${name}, ${formatBytes(each)} each`,
        each,
        count,
        slice: `system-${prefix}.slice`,
      };
    });
}

function overNote(total: number, memory: number): string {
  return (
    `over-committed: the caps add up to ${roughBytes(total)} and the machine has ${roughBytes(memory)}, ` +
    `${(total / memory).toFixed(1)} times too much if all are used at once. Lower caps, or one on the ` +
    'slice above them, which bounds them together, keep the machine from running out of memory.'
  );
}

function dailyNote({ dailyUse }: Plan, caps: number, memory: number): string[] {
  if (dailyUse === undefined || caps + dailyUse <= memory) return [];
  return [
    `${roughBytes(dailyUse)} of daily use and ${roughBytes(caps)} of caps are ` +
      `${roughBytes(dailyUse + caps)}, and the machine has ${roughBytes(memory)}: with both at their ` +
      'most it swaps, and who dies first is decided by this plan.',
  ];
}

/** A quota holds also while nobody else wants the processor; a weight does not. */
function idleNotes(targets: readonly ResolvedTarget[], { machine }: PlanFacts): string[] {
  return targets.flatMap(({ units, limitsHere }) => {
    const isShared = units.kind === 'users' || units.kind === 'slice';
    const quota = limitsHere.properties.find(({ property }) => property === 'CPUQuota');
    if (!isShared || quota === undefined) return [];
    const name = units.kind === 'users' ? 'user-.slice' : units.name;
    return [
      `${name}: CPUQuota=${quota.value} holds also while the other of ${counted(machine.cpus, 'CPU')} are idle. ` +
        'CPUWeight=100 shares the processor only where several want it: a lone user still gets the machine.',
    ];
  });
}
