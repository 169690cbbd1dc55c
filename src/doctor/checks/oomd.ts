import { readMemory } from '../../machine/index.js';
import type { Shown } from '../../systemd/show.js';
import { type Fix, remedyOf } from '../fix.js';
import { type Place, Unknown } from '../place.js';
import { type CheckSpec, found, type Judged } from '../spec.js';
import { leastSwap } from '../trees.js';
import { unitNamed, unitsOf } from '../units.js';

/** Whether systemd-oomd runs, what it watches, and whether it can act there. */
export const oomd: CheckSpec = {
  name: 'oomd',
  title: 'systemd-oomd can act where it runs',
  group: 'memory',
  look: async (place) => judgeOomd(await readOomd(place)),
};

export interface OomdFacts {
  /** LoadState and ActiveState of the service; absent where it is not installed. */
  load?: string;
  active?: string;
  /** SwapTotal, bytes. */
  swap: number;
  watched: readonly Watched[];
  unasked?: string;
}

/** A unit that systemd-oomd was told to watch. */
export interface Watched {
  unit: string;
  settings: readonly string[];
  /** Whether its memory.swap.max, or one above, is 0. */
  withoutSwap: boolean;
}

/** @throws {Unknown} where the system's manager does not answer */
export async function readOomd(place: Place): Promise<OomdFacts> {
  const units = await unitsOf(place, 'system');
  const service = unitNamed(units, 'systemd-oomd.service');
  const swap = readMemory(`${place.root}/`).swap;
  if (service?.ActiveState !== 'active') {
    return { ...stateOf(service), swap, watched: [] };
  }
  const own = place.uid === 0 ? [] : await unitsOf(place, 'user').catch(reasonOf);
  const all = typeof own === 'string' ? units : [...units, ...own];
  return {
    ...stateOf(service),
    swap,
    watched: all.flatMap((unit) => watchedOf(place, unit)),
    ...(typeof own === 'string' ? { unasked: `your own units are not known: ${own}` } : {}),
  };
}

export function judgeOomd(facts: OomdFacts): Judged {
  const { load, active, swap, watched, unasked } = facts;
  if (load === undefined) return { evidence: ['systemd-oomd is not installed'], findings: [] };
  if (active === 'activating') {
    return { evidence: [], findings: [], unknown: 'systemd-oomd.service is starting' };
  }
  if (active !== 'active') {
    const state = load === 'masked' ? 'masked' : active;
    return { evidence: [`systemd-oomd.service is ${state}: it does not run`], findings: [] };
  }
  const evidence = [
    `systemd-oomd.service is active; ${swap === 0 ? 'the machine has no swap' : 'there is swap'}`,
    ...watched.map(({ unit, settings, withoutSwap }) => {
      return `${unit}: ${settings.join(' ')}${withoutSwap ? ', memory.swap.max 0' : ''}`;
    }),
  ];
  const unknown = unasked === undefined ? {} : { unknown: unasked };
  const blind = watched.filter(({ withoutSwap }) => withoutSwap);
  if (swap === 0 || (watched.length > 0 && blind.length === watched.length)) {
    const why = swap === 0 ? 'the machine has no swap' : 'all that it watches has MemorySwapMax=0';
    const finding = found('problem', 'oomd-with-swap-zero', {
      unit: 'systemd-oomd.service',
      cause: `systemd-oomd runs and is unable to act: ${why}`,
      remedy: `have earlyoom for a backstop (rlimit doctor earlyoom), and:\n${remedyOf(OFF)}`,
    });
    return { evidence, findings: [finding], fixes: [OFF], ...unknown };
  }
  const findings = blind.map(({ unit }) =>
    found('warning', 'oomd-with-swap-zero', {
      unit,
      property: 'MemorySwapMax',
      cause: `systemd-oomd watches ${unit}, which has MemorySwapMax=0: it is unable to act there`,
      remedy: 'have earlyoom for a backstop: rlimit doctor earlyoom',
    }),
  );
  if (watched.length > 0 || unasked !== undefined) return { evidence, findings, ...unknown };
  const finding = found('warning', 'oomd-manages-nothing', {
    unit: 'systemd-oomd.service',
    cause:
      'systemd-oomd runs, and no unit has ManagedOOMSwap=kill or ManagedOOMMemoryPressure=kill',
    remedy:
      'sudo systemctl set-property user.slice ManagedOOMMemoryPressure=kill ' +
      'ManagedOOMMemoryPressureLimit=80%',
  });
  return { evidence, findings: [finding] };
}

/** Whether it runs and there is something it can act on. */
export function canOomdAct({ active, swap, watched }: OomdFacts): boolean {
  return active === 'active' && swap > 0 && watched.some(({ withoutSwap }) => !withoutSwap);
}

const OFF: Fix = {
  trouble: 'oomd-with-swap-zero',
  title: 'stop systemd-oomd, which cannot act here',
  root: true,
  // The socket would start it again.
  steps: [{ units: ['systemd-oomd.service', 'systemd-oomd.socket'], state: 'off' }],
};

function stateOf(service: Shown | undefined): Pick<OomdFacts, 'load' | 'active'> {
  const { LoadState: load, ActiveState: active } = service ?? {};
  return { ...(load === undefined ? {} : { load }), ...(active === undefined ? {} : { active }) };
}

function watchedOf(place: Place, unit: Shown): Watched[] {
  const { Id = '', ControlGroup: cgroup = '' } = unit;
  const settings = (['ManagedOOMSwap', 'ManagedOOMMemoryPressure'] as const)
    .filter((name) => unit[name] === 'kill')
    .map((name) => `${name}=kill`);
  if (settings.length === 0 || cgroup === '') return [];
  return [{ unit: Id, settings, withoutSwap: leastSwap(place, cgroup) === 0 }];
}

function reasonOf(error: unknown): string {
  if (error instanceof Unknown) return error.message;
  throw error;
}
