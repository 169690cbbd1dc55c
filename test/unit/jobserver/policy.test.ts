import { describe, expect, it } from 'vitest';
import { type Decision, type Look, Policy, type SeenJob } from '../../../src/jobserver/index.js';
import { BUILDS, draw, MB } from './builds.js';
import { ALL_BUILDS, buildOf, CORES, compare, policyFor, worldOf } from './compare.js';
import { type Course, simulate } from './simulate.js';

const GB = 1000 * MB;
const look = (seen: Partial<Look> = {}): Look => ({
  ...{ nowMs: 0, limit: GB, used: 10 * MB, jobs: [], tokensOut: 0, demand: 0 },
  ...seen,
});
const job = (key: string, megabytes: number, seen: Partial<SeenJob> = {}): SeenJob => ({
  ...{ key, ageMs: 1000, memory: megabytes * MB, frozen: false },
  ...seen,
});
const policy = (options: Partial<ConstructorParameters<typeof Policy>[0]> = {}) =>
  new Policy({ cap: 7, expected: 100 * MB, style: 'pipe', onDanger: 'freeze', ...options });

describe('tokens', () => {
  it('are all there at once where nothing bounds memory', () => {
    const { tokens, freeze, thaw } = policy().decide(look({ limit: 'infinity' }));
    expect({ tokens, freeze, thaw }).toEqual({ tokens: 7, freeze: [], thaw: [] });
  });

  it('are all there at once where the worst fits', () => {
    expect(policy().decide(look({ limit: 100 * GB })).tokens).toBe(7);
  });

  it('are as many as fit of what is expected, and those first that show what comes', () => {
    const unsure = policy({ expected: 300 * MB });
    expect(unsure.decide(look()).tokens).toBe(1);
  });

  it('are none where not even one more job fits; the implicit slot stays', () => {
    expect(policy({ expected: 2 * GB }).decide(look()).tokens).toBe(0);
    const jobs = [job('a', 500), job('b', 400)];
    expect(policy().decide(look({ jobs, used: 910 * MB, tokensOut: 1 })).tokens).toBe(0);
  });

  it('follow the memory of the machine where that is less than the limit', () => {
    const less = look({ limit: 100 * GB, available: 250 * MB });
    expect(policy().decide(less).tokens).toBeLessThan(3);
    expect(policy().decide(look({ limit: 'infinity', available: 100 * GB })).tokens).toBe(7);
  });

  it('follow a limit and a cap that change', () => {
    const moving = policy();
    expect(moving.decide(look({ limit: 100 * GB })).tokens).toBe(7);
    expect(moving.decide(look({ nowMs: 500, limit: 100 * MB })).tokens).toBe(0);
    expect(moving.decide(look({ nowMs: 1000, limit: 100 * GB, cap: 3 })).tokens).toBe(3);
    expect(moving.decide(look({ nowMs: 1500, limit: 'infinity', cap: 0 })).tokens).toBe(0);
  });

  it('are held at pressure, and taken back at more of it', () => {
    const jobs = [job('a', 50), job('b', 50), job('c', 50)];
    const tokens = (pressure: number) =>
      policy().decide(look({ jobs, limit: 100 * GB, tokensOut: 2, pressure })).tokens;
    expect([tokens(0), tokens(30), tokens(80)]).toEqual([7, 2, 1]);
  });

  it('become more as finished jobs turn out small', () => {
    const learning = policy({ expected: 400 * MB });
    const before = learning.decide(look()).tokens;
    for (let count = 0; count < 14; count += 1) learning.finished(30 * MB);
    expect(learning.expected).toBe(30 * MB);
    expect(learning.decide(look({ nowMs: 500 })).tokens).toBeGreaterThan(before);
    learning.finished(Number.NaN);
    learning.finished(-1);
    expect(learning.expected).toBe(30 * MB);
  });
});

describe('danger', () => {
  const full = [job('old', 500, { ageMs: 9000 }), job('young', 390, { ageMs: 500 })];

  it('freezes one of two, and lets it go on when the other has ended', () => {
    const careful = policy();
    const first = careful.decide(look({ jobs: full, used: 900 * MB, tokensOut: 1 }));
    expect(first.freeze).toHaveLength(1);
    const left = full.filter(({ key }) => first.freeze.includes(key));
    const jobs = left.map((one) => ({ ...one, frozen: true }));
    const second = careful.decide(look({ nowMs: 500, jobs, used: 400 * MB, tokensOut: 0 }));
    expect(second).toMatchObject({ freeze: [], thaw: first.freeze });
  });

  it('never freezes the last one', () => {
    const jobs = [job('giant', 960)];
    expect(policy().decide(look({ jobs, used: 970 * MB })).freeze).toEqual([]);
  });

  it('says that one job fills the limit alone', () => {
    const jobs = [job('giant', 960)];
    const { tooLarge, tokens } = policy().decide(look({ jobs, used: 970 * MB }));
    expect(tooLarge).toEqual({ key: 'giant', memory: 960 * MB });
    expect(tokens).toBe(0);
    expect(policy().decide(look({ jobs: [job('a', 300)] }))).not.toHaveProperty('tooLarge');
  });

  it('kills a frozen one where the profile says so, and only where the last one does not fit', () => {
    const jobs = [job('awake', 300), job('frozen', 670, { frozen: true, ageMs: 100 })];
    const stuck = look({ jobs, used: 985 * MB, tokensOut: 1 });
    const kill = policy({ onDanger: 'kill', expected: 500 * MB });
    kill.finished(700 * MB);
    const decisions = [kill.decide(stuck), kill.decide({ ...stuck, nowMs: 100 })];
    expect(decisions.map((one) => one.kill ?? one.thaw[0])).toContain('frozen');
    expect(policy().decide(stuck)).not.toHaveProperty('kill');
  });
});

describe('tokens and jobs that are not as many as each other', () => {
  /** Looks a second apart, for that many seconds. */
  function watch(seconds: number, seen: Partial<Look>, options = {}): Decision[] {
    const watching = policy(options);
    return Array.from({ length: seconds + 1 }, (_, second) =>
      watching.decide(look({ nowMs: second * 1000, ...seen })),
    );
  }
  const lost = (decisions: Decision[]) => decisions.reduce((sum, one) => sum + one.lost, 0);
  const two = [job('a', 50), job('b', 50)];

  it('are found lost when they are out for long and nobody has them', () => {
    expect(lost(watch(9, { jobs: two, tokensOut: 3 }))).toBe(0);
    expect(lost(watch(11, { jobs: two, tokensOut: 3 }))).toBe(2);
  });

  it('are not lost while some lie unread, where that cannot be known, or where jobs hold several', () => {
    expect(lost(watch(30, { jobs: two, tokensOut: 3, demand: 1 }))).toBe(0);
    const unknown = policy();
    const { demand: _, ...blind } = look({ jobs: two, tokensOut: 3 });
    expect(lost([0, 9000, 30_000].map((nowMs) => unknown.decide({ ...blind, nowMs })))).toBe(0);
    expect(lost(watch(30, { jobs: two, tokensOut: 3 }, { manyTokens: true }))).toBe(0);
  });

  it('are too many where more come back or lie there than were given', () => {
    expect(policy().decide(look({ tokensOut: -2 })).surplus).toBe(2);
    expect(policy().decide(look({ tokensOut: 1, demand: 4 })).surplus).toBe(3);
    expect(policy().decide(look({ tokensOut: 4, demand: 4 })).surplus).toBe(0);
  });

  it('are told where jobs run without any: something has a -j of its own', () => {
    const jobs = ['a', 'b', 'c', 'd'].map((key) => job(key, 10));
    expect(watch(9, { jobs, tokensOut: 1 }).at(-1)?.beyond).toBe(0);
    expect(watch(11, { jobs, tokensOut: 1 }).at(-1)?.beyond).toBe(2);
  });
});

/** What holds at every look of every build. */
function expectProperties({ looks, hangs }: Course): void {
  expect(hangs).toBe(false);
  for (const { look: seen, decision } of looks) {
    const { tokens, freeze, thaw } = decision;
    const awake = new Set(seen.jobs.filter(({ frozen }) => !frozen).map(({ key }) => key));
    const frozen = new Set(seen.jobs.filter((one) => one.frozen).map(({ key }) => key));
    if (!Number.isInteger(tokens) || tokens < 0 || tokens > CORES - 1) {
      expect.fail(`${tokens} tokens`);
    }
    if (!freeze.every((key) => awake.has(key))) expect.fail('one was frozen that does not run');
    if (!thaw.every((key) => frozen.has(key))) expect.fail('one goes on that was not frozen');
    const left = awake.size - freeze.length + thaw.length;
    if (seen.jobs.length > 0 && left < 1) expect.fail('none would run');
    if (!(decision.againMs > 0)) expect.fail('no next look');
  }
}

describe('simulated builds', () => {
  const names = Object.keys(ALL_BUILDS);

  it.each(names)('keep what always holds: %s', (name) => {
    for (const style of ['pipe', 'fifo'] as const) {
      for (const course of compare(name, 6, style).courses) expectProperties(course);
    }
  });

  it.each(['pipe', 'fifo'] as const)(
    'are hardly ever killed, and not slow: 40 to 400 MB, %s',
    (style) => {
      const { killed, hung, ratio } = compare('even, 40 to 400 MB', 60, style);
      // In every fourth the first estimate is half of what jobs need: one of those may be lost.
      expect(killed).toBeLessThanOrEqual(1);
      expect(hung).toBe(0);
      expect(ratio).toBeLessThanOrEqual(1.0);
    },
  );

  it.each<[keyof typeof BUILDS, number]>([
    ['two kinds', 1],
    ['one giant', 1],
    ['all at once', 1.15],
    ['heavy linker at the end', 1.3],
    ['three levels of makes', 1],
  ])('are not slow: %s', (name, most) => {
    expect(compare(name, 12, 'pipe').ratio).toBeLessThanOrEqual(most);
  });

  it('cost nothing where memory is plenty', () => {
    const { ratio, killed } = compare('small jobs, expected as such', 10, 'pipe');
    expect(killed).toBe(0);
    expect(ratio).toBeLessThanOrEqual(1.02);
  });

  it('end well where looks are far apart', () => {
    // As a server looks that may take but little of a slow machine.
    const looksApart = (askedMs: number) => (askedMs <= 200 ? 500 : 4000);
    const slow = compare('even, 40 to 400 MB', 12, 'pipe', { looksApart });
    expect(slow.killed).toBe(0);
    expect(slow.ratio).toBeLessThanOrEqual(1.2);
  });

  it('go on where the limit becomes smaller, and are faster again where it grows', () => {
    const halved = (now: number, world: ReturnType<typeof worldOf>) => ({
      ...world,
      limit: now > 3000 && now < 12_000 ? 700 * MB : GB,
    });
    const make = buildOf('heavy linker at the end', 5);
    const course = simulate(make, worldOf('pipe'), policyFor('pipe', 100), halved);
    expectProperties(course);
  });

  it('take the same course each time', () => {
    const course = () =>
      simulate(BUILDS['two kinds'](draw(9)), worldOf('fifo'), policyFor('fifo', 100));
    expect(course()).toEqual(course());
  });
});
