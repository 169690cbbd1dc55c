/** Who could be ended, in the order in which that is considered. */
import type { ProcessSample, UnitSample } from '../../model/index.js';
import type { Named } from './types.js';
import { heldBy, isIn, isManaged, isNamedIn, keyOf, mayTouch, nameOf, type View } from './view.js';

/** A process, or a whole run of ours. */
export interface Candidate {
  key: string;
  /** Bytes that its end gives back. */
  memory: number;
  order: Order;
  process?: Named;
  unit?: UnitSample;
}

/** Ended first, as others are, and last. */
type Order = 'prefer' | 'usual' | 'avoid';
const ORDERS: readonly Order[] = ['prefer', 'usual', 'avoid'];

/** One of the preferred is taken before a larger one only if it holds this part of what that has. */
const COMPARABLE = 0.25;

/**
 * The next victim: the largest of those that are preferred and comparable, else the largest, else the
 * largest of those to be avoided. Absent where nobody holds enough to be worth it.
 * @param least bytes below which an end is not worth it
 */
export function nextVictim(candidates: readonly Candidate[], least: number): Candidate | undefined {
  const worth = candidates.filter(({ memory }) => memory >= least && memory > 0);
  const most = Math.max(0, ...worth.filter(({ order }) => order !== 'avoid').map(memoryOf));
  for (const order of ORDERS) {
    const floor = order === 'prefer' ? most * COMPARABLE : 0;
    const largest = worth
      .filter((each) => each.order === order && each.memory >= floor)
      .reduce<Candidate | undefined>(larger, undefined);
    if (largest !== undefined) return largest;
  }
  return undefined;
}

/** Everybody who may be ended: no vital process, none that is kept alive, and none that refused. */
export function candidates(view: View): Candidate[] {
  const whole = view.ownScopes.filter((unit) => mayEndWhole(unit, view));
  const units = whole.flatMap((unit) => unitCandidate(unit, view));
  const inUnits = (process: ProcessSample) =>
    whole.some(({ cgroup }) => isIn(process.cgroup, cgroup));
  const processes = view.sample.processes
    .filter((process) => isOpen(process, view) && !inUnits(process))
    .map((process) => ({
      key: keyOf(process),
      memory: heldBy(process),
      order: orderOf(process, view),
      process: nameOf(process),
    }));
  return [...units, ...processes].filter(({ key }) => !view.state.refused.includes(`end ${key}`));
}

/** Whether a process may be ended at all. */
export function isOpen(process: ProcessSample, view: View): boolean {
  return (
    !view.vital.has(process.pid) && !isManaged(process, view.settings) && mayTouch(process, view)
  );
}

/** A run is ended as a whole, or not: one with a process in it that must live is not. */
function mayEndWhole({ cgroup }: UnitSample, view: View): boolean {
  const inside = view.sample.processes.filter((process) => isIn(process.cgroup, cgroup));
  return inside.length > 0 && inside.every((process) => isOpen(process, view));
}

function unitCandidate(unit: UnitSample, view: View): Candidate[] {
  const inside = view.sample.processes.filter((process) => isIn(process.cgroup, unit.cgroup));
  const { anon, swap = 0 } = unit.use;
  const memory =
    anon === undefined ? inside.reduce((sum, each) => sum + heldBy(each), 0) : anon + swap;
  const orders = inside.map((process) => orderOf(process, view));
  // One that should be avoided makes the whole run one to avoid.
  const isPreferred = orders.every((each) => each === 'prefer');
  const order = orders.includes('avoid') ? 'avoid' : isPreferred ? 'prefer' : 'usual';
  return [{ key: unit.unit, memory, order, unit }];
}

/** Whether a process is ended first, as others are, or last. */
export function orderOf(process: ProcessSample, { settings: { backstop } }: View): Order {
  if (isNamedIn(process, backstop.avoid) || isAvoidedAnyway(process)) return 'avoid';
  return isNamedIn(process, backstop.prefer) ? 'prefer' : 'usual';
}

/** Sessions and containers of ordinary users: not vital to the machine, but to them. */
function isAvoidedAnyway({ comm }: ProcessSample): boolean {
  return /^(tmux|tmux: server|screen|SCREEN|dockerd|containerd)$/.test(comm);
}

function memoryOf({ memory }: Candidate): number {
  return memory;
}

/** The same figures give the same victim, in whatever order processes come. */
function larger(most: Candidate | undefined, each: Candidate): Candidate {
  if (most === undefined || each.memory > most.memory) return each;
  return each.memory === most.memory && each.key < most.key ? each : most;
}
