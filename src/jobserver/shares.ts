import type { Amount } from '../model/index.js';
import type { Look } from './look.js';

/** What a run tells the others of itself. */
export interface RunState {
  /** Name of its unit, the same for all who read it. */
  unit: string;
  /** Most tokens it would ever have out, were it alone. */
  cap: number;
  /** Jobs it would run now if it might, the one of the implicit slot counted. */
  wants: number;
  /** Tokens it has out. */
  out: number;
  /** Bytes it expects one job to need. */
  expected: number;
  /** Bytes it has in use. */
  used: number;
}

/** What all runs have together. */
export interface Pool {
  /** Jobs that there may be at one time: the cores. */
  slots: number;
  /** Bytes that are free below the limit they share. */
  free: Amount;
}

/** Jobs that a run would have now if it might: more than it has, unless tokens lie there unread. */
export function wantedJobs({ jobs, demand }: Look, cap: number): number {
  const here = Math.max(1, jobs.length);
  return demand === undefined || demand === 0 ? Math.max(here, cap + 1) : here;
}

/**
 * How many tokens each run may have out, by unit.
 *
 * Each has the implicit slot of its tool in any case. The rest goes, one by one, to the run that has
 * the fewest, as long as it wants more and there is memory for one more of its jobs (max-min
 * fairness); what one does not want or cannot use the others get. The same states make the same
 * shares, whoever computes them: there is nobody who would have to be asked.
 */
export function shareTokens(states: readonly RunState[], pool: Pool): Map<string, number> {
  const runs = [...new Map(states.map((state) => [state.unit, state])).values()]
    .sort((a, b) => (a.unit < b.unit ? -1 : 1))
    .map((state) => ({ state, jobs: 1, most: Math.max(1, Math.min(state.wants, state.cap + 1)) }));
  let slots = pool.slots - runs.length;
  let free = unpromised(states, pool.free);
  let open = runs.filter(({ jobs, most }) => jobs < most);
  while (slots > 0 && open.length > 0) {
    const run = open.reduce((fewest, other) => (other.jobs < fewest.jobs ? other : fewest));
    // What it runs already is in use, or was set aside above.
    const cost = run.jobs < run.state.out + 1 ? 0 : run.state.expected;
    if (cost > Math.max(0, free)) {
      open = open.filter((other) => other !== run);
      continue;
    }
    run.jobs += 1;
    slots -= 1;
    free -= cost;
    if (run.jobs >= run.most) open = open.filter((other) => other !== run);
  }
  return new Map(runs.map(({ state, jobs }) => [state.unit, jobs - 1]));
}

/** Free memory without what the running jobs are still expected to take. */
function unpromised(states: readonly RunState[], free: Amount): number {
  if (free === 'infinity') return Number.POSITIVE_INFINITY;
  return states.reduce(
    (left, { out, expected, used }) => left - Math.max(0, (out + 1) * expected - used),
    free,
  );
}
