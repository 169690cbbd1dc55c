/** What a plan wants of the machine besides limits of units, against what is there. */
import { readDelegation } from '../doctor/checks/delegation.js';
import { readEarlyoom, thresholdsOf } from '../doctor/checks/earlyoom.js';
import { parseSwaps } from '../doctor/checks/swap.js';
import { placeHere } from '../doctor/index.js';
import { readText, said, Unknown } from '../doctor/place.js';
import type { Finding } from '../model/index.js';
import { MiB, roughBytes } from '../quantity/index.js';
import { printable } from '../text/index.js';
import { startedUnit, type TimerName, timerPlace, timerStatus } from '../timers/index.js';
import type { MachineWish } from './compile/types.js';
import { readSysctl } from './system.js';

/** Something of the machine against the plan. */
export interface VerifiedFact {
  what: string;
  wanted: string;
  observed: string;
  isSo: boolean;
}

/** The finding on something that is not so. */
export function factFinding({ what, wanted, observed }: VerifiedFact): Finding {
  return {
    id: 'plan-not-in-force',
    severity: 'problem',
    property: what,
    wanted,
    observed,
    cause: printable(`the plan wants ${wanted}, and there is ${observed}`),
  };
}

/** One fact of the machine. What cannot be read is not so. */
export async function verifyFact(wish: MachineWish): Promise<VerifiedFact> {
  try {
    return await factOf(wish);
  } catch (error) {
    if (!(error instanceof Unknown)) throw error;
    return {
      what: wish.what,
      wanted: wordsOf(wish),
      observed: `unknown: ${error.message}`,
      isSo: false,
    };
  }
}

async function factOf(wish: MachineWish): Promise<VerifiedFact> {
  const base = { what: wish.what, wanted: wordsOf(wish) };
  const place = placeHere();
  switch (wish.what) {
    case 'swappiness': {
      const held = readSysctl('vm.swappiness');
      return {
        ...base,
        observed: `vm.swappiness ${held ?? 'unknown'}`,
        isSo: held === String(wish.value),
      };
    }
    case 'swap': {
      const areas = parseSwaps(readText(place, '/proc/swaps') ?? '');
      const area = areas.find(({ path }) => path === wish.path);
      const observed = area === undefined ? `no swap on ${wish.path}` : areaWords(wish.path, area);
      return { ...base, observed, isSo: area !== undefined && isAsWished(area, wish) };
    }
    case 'zram': {
      const areas = parseSwaps(readText(place, '/proc/swaps') ?? '').filter(({ isZram }) => isZram);
      const observed =
        areas.length === 0
          ? 'no compressed memory'
          : areas.map((area) => areaWords(area.path, area)).join('; ');
      // One that is used already gets its new size at the next boot: it is not taken away for that.
      return { ...base, observed, isSo: areas.some(({ priority }) => priority === wish.priority) };
    }
    case 'earlyoom': {
      const { active = 'not installed', argv = [] } = await readEarlyoom(place);
      const { memory } = thresholdsOf(argv);
      const isSo = active === 'active' && memory.term === wish.term && memory.kill === wish.kill;
      const observed =
        active === 'active'
          ? `earlyoom at ${memory.term}% and ${memory.kill}%`
          : `earlyoom ${active}`;
      return { ...base, observed, isSo };
    }
    case 'timer':
      return { ...base, ...(await timerFact(wish.name)) };
    case 'delegation':
      return { ...base, ...(await delegationFact(wish.controllers)) };
  }
}

/** Size in bytes, and priority. */
type Area = Pick<Extract<MachineWish, { what: 'zram' }>, 'size' | 'priority'>;

/** The first page of an area is its header, and is not counted in /proc/swaps. */
const HEADER_AT_MOST = MiB;

function isAsWished(area: Area, wish: Area): boolean {
  const lacking = wish.size - area.size;
  return area.priority === wish.priority && lacking >= 0 && lacking <= HEADER_AT_MOST;
}

function areaWords(what: string, { size, priority }: Area): string {
  return `${what} of ${roughBytes(size)}, priority ${priority}`;
}

function wordsOf(wish: MachineWish): string {
  switch (wish.what) {
    case 'swappiness':
      return `vm.swappiness ${wish.value}`;
    case 'swap':
      return areaWords(wish.path, wish);
    case 'zram':
      return areaWords('compressed memory', wish);
    case 'earlyoom':
      return `earlyoom at ${wish.term}% and ${wish.kill}%`;
    case 'timer':
      return `${startedUnit(wish.name)} active`;
    case 'delegation':
      return `${wish.controllers.join(' ')} for users’ managers`;
  }
}

/** That a timer runs and knows when it elapses next, and that its last run was no failure. */
async function timerFact(name: TimerName): Promise<Pick<VerifiedFact, 'observed' | 'isSo'>> {
  const all = await timerStatus(timerPlace('system'));
  const status = all.find((each) => each.name === name);
  const { active = 'not there', next, running = false, result = 'success' } = status ?? {};
  const unit = startedUnit(name);
  const isTimer = unit.endsWith('.timer');
  // Of one that runs systemd forgets the next time at a reload, and knows it again at the end.
  const elapses = !isTimer || running || next !== undefined;
  const when =
    next !== undefined
      ? `next ${new Date(next).toISOString()}`
      : running
        ? 'running now'
        : 'never elapses';
  const observed = [
    `${unit} ${active}`,
    ...(isTimer && active === 'active' ? [when] : []),
    ...(result === 'success' ? [] : [`its last run ended with ${result}`]),
  ].join(', ');
  return { observed, isSo: active === 'active' && elapses && result === 'success' };
}

/**
 * systemd gives a running manager's cgroup the controllers at the reload; that the manager itself finds
 * out only at its next start is told by `rlimit doctor delegation`.
 */
async function delegationFact(
  wanted: readonly string[],
): Promise<Pick<VerifiedFact, 'observed' | 'isSo'>> {
  const place = placeHere();
  const managers = await readDelegation(place);
  if (managers.length === 0) {
    return { observed: 'no user’s manager runs: it counts from the next login on', isSo: true };
  }
  const lacking = managers.filter(({ controllers }) =>
    wanted.some((name) => controllers.every((each) => each !== name)),
  );
  const [first] = lacking;
  if (first === undefined) {
    return {
      observed: `${managers[0]?.manager} has ${managers[0]?.controllers.join(' ')}`,
      isSo: true,
    };
  }
  // Seen on 257: a reload leaves the cgroup of a running manager as it is.
  const argv = [
    'systemctl',
    '--system',
    '--no-pager',
    'show',
    '--value',
    '--property=DelegateControllers',
  ];
  const given = (await said(place, [...argv, '--', first.manager])).trim().split(' ');
  const waits = wanted.every((name) => given.includes(name));
  return {
    observed: waits
      ? `${first.manager} gets ${wanted.join(' ')} when it starts next; until then ${first.controllers.join(' ')}`
      : `${first.manager} has ${first.controllers.join(' ') || 'none'}`,
    isSo: waits,
  };
}
