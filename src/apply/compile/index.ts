/** A plan on one machine: what is written, what is done, and what is to be seen then. */
import type { Machine } from '../../model/index.js';
import { roughBytes } from '../../quantity/index.js';
import type { PlanFacts } from '../facts.js';
import type { Plan } from '../plan.js';
import { earlyoom, swapFile, swappiness, zram } from './memory.js';
import { sumsOf } from './sums.js';
import { compileTarget, resolveTargets } from './targets.js';
import { timers } from './timers.js';
import { delegate, docker, nix } from './tools.js';
import type { Action, Compiled, LeftOver } from './types.js';

export interface CompileOptions {
  /** Lets pass what is refused as unwise in limits. */
  force?: boolean;
  /** Until the next boot, and only what can be tried without starting anything anew. */
  runtime?: boolean;
  /** Where the user's own profiles are. */
  env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Compiles a plan. The same plan and facts give the same result; no file is read but profiles of the
 * user's.
 * @throws {UsageError} for limits that would harm, and for a file that cannot be merged with
 * @throws {UnknownNameError} for a profile that is not there
 */
export async function compilePlan(
  plan: Plan,
  facts: PlanFacts,
  { force = false, runtime = false, env = {} }: CompileOptions = {},
): Promise<Compiled> {
  const machine = withPlannedSwap(plan, facts.machine, runtime);
  const targets = await resolveTargets(plan, machine, { force, home: env });
  const parts = targets.map((target) =>
    compileTarget(target, { facts, plan: plan.name, runtime, machine }),
  );
  const written = new Set(
    parts.flatMap(({ files }) => files.map(({ why }) => why.replace('limits of ', ''))),
  );
  const others = otherParts(plan, facts, runtime);
  const restarts = parts
    .flatMap(({ restart }) => restart)
    .map((unit): Action => ({ do: 'restart', unit, why: 'some settings count from a start on' }));
  const files = [...parts.flatMap((part) => part.files), ...others.flatMap((part) => part.files)];
  const actions = others.flatMap((part) => part.actions ?? []);
  const managers = [...new Set(files.map(({ manager }) => manager))];
  const tryOut = others.find((part) => part.tryOut !== undefined)?.tryOut;
  return {
    plan: plan.name,
    files,
    actions: onceEach([
      ...actions.filter((action) => action.do === 'sysctl'),
      ...managers.map((manager): Action => ({ do: 'reload', manager })),
      ...actions.filter((action) => action.do === 'start'),
      ...restarts,
      ...actions.filter((action) => action.do === 'restart'),
    ]),
    units: parts.flatMap((part) => part.units),
    userUnits: parts.flatMap((part) => part.userUnits),
    wishes: others.flatMap((part) => part.wishes ?? []),
    left: [...everyUserLeft(plan), ...others.flatMap((part) => part.left ?? [])],
    notes: [
      ...machineNotes(plan, facts.machine),
      ...facts.unknown,
      ...parts.flatMap((part) => part.notes),
      ...others.flatMap((part) => part.notes ?? []),
      ...oomdNotes(plan, facts),
      ...(runtime ? runtimeNotes(plan) : []),
    ],
    sums: sumsOf(plan, targets, written, facts),
    made: others.flatMap((part) => part.made ?? []),
    folders: others.flatMap((part) => part.folders ?? []),
    ...(tryOut === undefined ? {} : { tryOut }),
  };
}

type Other = Partial<Compiled> & Pick<Compiled, 'files'>;

function otherParts(plan: Plan, facts: PlanFacts, runtime: boolean): Other[] {
  const { swap, containers } = plan;
  if (runtime) {
    if (swap?.swappiness === undefined) return [];
    return [{ ...swappiness(plan, swap.swappiness), files: [] }];
  }
  return [
    ...(swap?.swappiness === undefined ? [] : [swappiness(plan, swap.swappiness)]),
    ...(swap?.file === undefined ? [] : [swapFile(plan, swap.file)]),
    ...(swap?.zram === undefined ? [] : [zram(plan, swap.zram, facts)]),
    ...(plan.earlyoom === undefined ? [] : [earlyoom(plan, plan.earlyoom, facts)]),
    ...(plan.nix === undefined ? [] : [nix(plan.nix, facts)]),
    ...(containers === undefined ? [] : [docker(containers, facts)]),
    ...(plan.delegate === undefined ? [] : [delegate(plan, plan.delegate)]),
    ...(plan.timers === undefined ? [] : [timers(plan, plan.timers, facts)]),
  ];
}

/** Limits are chosen for the machine as the plan makes it: a MemoryHigh may lean on its swap. */
function withPlannedSwap({ swap }: Plan, machine: Machine, runtime: boolean): Machine {
  if (runtime || swap?.file === undefined) return machine;
  return { ...machine, swap: Math.max(machine.swap, swap.file.size) };
}

function onceEach(actions: readonly Action[]): Action[] {
  const seen = new Map<string, Action>();
  for (const action of actions) {
    const key = 'unit' in action ? `${action.unit}` : JSON.stringify(action);
    if (!seen.has(key)) seen.set(key, action);
  }
  return [...seen.values()];
}

function machineNotes({ machine: wanted }: Plan, machine: Machine): string[] {
  const notes: string[] = [];
  // Firmware and the kernel keep some of what is installed for themselves.
  if (wanted?.memory !== undefined && machine.memory < wanted.memory * 0.9) {
    notes.push(
      `the plan is for a machine of ${roughBytes(wanted.memory)}, and this one has ${roughBytes(machine.memory)}`,
    );
  }
  if (wanted?.cores !== undefined && machine.cores < wanted.cores) {
    notes.push(
      `the plan is for a machine of ${wanted.cores} cores, and this one has ${machine.cores}`,
    );
  }
  return notes;
}

/**
 * systemd-oomd heeds a preference where the unit is root's, or has the same owner as the cgroup that is
 * watched (systemd.resource-control(5), ManagedOOMPreference=).
 */
function oomdNotes({ targets }: Plan, facts: PlanFacts): string[] {
  const watched = targets.some(
    ({ limits, units }) => limits.ManagedOOMMemoryPressure === 'kill' && units.kind === 'users',
  );
  const inside = targets.some(
    ({ limits, units }) => limits.ManagedOOMPreference !== undefined && units.kind === 'every-user',
  );
  const isMissing = !facts.isBare && !facts.has.oomd;
  const uses = targets.some(({ limits }) =>
    Object.keys(limits).some((name) => name.startsWith('ManagedOOM')),
  );
  return [
    ...(uses && isMissing ? ['systemd-oomd is not installed: ManagedOOM settings do nothing'] : []),
    ...(watched && inside
      ? [
          'systemd-oomd watches user-UID.slice, which is root’s, and does not heed ManagedOOMPreference of ' +
            'users’ own units there; earlyoom goes by names of processes and does',
        ]
      : []),
  ];
}

/** Root cannot have all users' managers read their files, and they do so when they start. */
function everyUserLeft({ targets }: Plan): LeftOver[] {
  if (targets.every(({ units }) => units.kind !== 'every-user')) return [];
  return [
    {
      what: 'users’ managers read what is for their units at the next login, or when they are told',
      run: 'systemctl --user daemon-reload   # each user; as root: systemctl --user -M USER@ daemon-reload',
    },
  ];
}

function runtimeNotes({
  swap,
  earlyoom: early,
  nix: builds,
  containers,
  delegate: given,
  timers: planned,
  targets,
}: Plan): string[] {
  const parts = [
    ...(swap?.file === undefined && swap?.zram === undefined ? [] : ['swap']),
    ...(early === undefined ? [] : ['earlyoom']),
    ...(builds === undefined ? [] : ['nix.conf']),
    ...(containers === undefined ? [] : ['daemon.json']),
    ...(given === undefined ? [] : ['delegation']),
    ...(planned === undefined ? [] : ['timers']),
    ...(targets.some(({ hardening, oomScore }) => hardening !== undefined || oomScore !== undefined)
      ? ['hardening']
      : []),
  ];
  return parts.length === 0
    ? []
    : [
        `a trial until the next boot has only limits and swappiness: ${parts.join(', ')} are left as they are`,
      ];
}

/** Services that a plan names, for the facts. */
export function servicesIn(plan: Plan): string[] {
  return plan.targets.flatMap(({ units }) => (units.kind === 'service' ? units.names : []));
}
