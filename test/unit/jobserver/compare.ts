/** The policy against the best fixed -j of the very same build, over many seeds. */
import { Policy, type Style } from '../../../src/jobserver/index.js';
import { BUILDS, draw, MB, type SimMake, SMALL } from './builds.js';
import { type Course, simulate, simulateStatic, type World } from './simulate.js';

export const CORES = 8;
/** What is expected of a job at first, in MB: right, half of that, half as much again, unknown. */
const FIRST = [220, 110, 330, 512];

export const ALL_BUILDS: Record<string, (random: () => number) => SimMake> = {
  ...BUILDS,
  'small jobs, expected as such': SMALL,
};

export interface Comparison {
  /** Builds in which the kernel killed a job. */
  killed: number;
  hung: number;
  /** Time of all others together, against the best fixed -j of each. */
  ratio: number;
  courses: Course[];
}

export function worldOf(style: Style, world: Partial<World> = {}): World {
  return { limit: 1000 * MB, cores: CORES, base: 10 * MB, style, ...world };
}

export function policyFor(style: Style, megabytes: number): Policy {
  return new Policy({ cap: CORES - 1, expected: megabytes * MB, style, onDanger: 'freeze' });
}

/** @param first of this seed; by turns right and wrong, unless it is said */
export function compare(
  name: string,
  seeds: number,
  style: Style,
  world: Partial<World> = {},
): Comparison {
  const result: Comparison = { killed: 0, hung: 0, ratio: Number.NaN, courses: [] };
  const time = { policy: 0, fixed: 0 };
  for (let seed = 1; seed <= seeds; seed += 1) {
    const make = buildOf(name, seed);
    const first = ALL_BUILDS[name] === SMALL ? 25 : (FIRST[seed % FIRST.length] ?? 0);
    const course = simulate(make, worldOf(style, world), policyFor(style, first));
    result.courses.push(course);
    if (course.hangs) result.hung += 1;
    else if (course.oomKills > 0) result.killed += 1;
    else {
      time.policy += course.time;
      time.fixed += bestFixed(make);
    }
  }
  return { ...result, ratio: time.policy / time.fixed };
}

export function buildOf(name: string, seed: number): SimMake {
  const make = ALL_BUILDS[name];
  if (!make) throw new Error(`there is no build ${name}`);
  return make(draw(seed));
}

/** The shortest time of all fixed numbers of jobs that come to their end. */
function bestFixed(make: SimMake): number {
  const times = Array.from({ length: CORES }, (_, index) =>
    simulateStatic(make, worldOf('pipe'), index + 1),
  );
  return Math.min(...times.filter(({ oomKills }) => oomKills === 0).map(({ time }) => time));
}
