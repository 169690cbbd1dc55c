import { describe, expect, it } from 'vitest';
import {
  type Look,
  type Pool,
  type RunState,
  shareTokens,
  wantedJobs,
} from '../../../src/jobserver/index.js';
import { draw } from './builds.js';

const run = (unit: string, state: Partial<RunState> = {}): RunState => ({
  ...{ unit, cap: 15, wants: 16, out: 0, expected: 100, used: 100 },
  ...state,
});
const shares = (states: RunState[], pool: Partial<Pool> = {}) =>
  Object.fromEntries(shareTokens(states, { slots: 16, free: 'infinity', ...pool }));

describe('the tokens of several runs', () => {
  it('are all for one that is alone', () => {
    expect(shares([run('a')])).toEqual({ a: 15 });
  });

  it('are divided evenly, the first by name having one more', () => {
    expect(shares([run('b'), run('a'), run('c')])).toEqual({ a: 5, b: 4, c: 4 });
  });

  it('go to those who want them', () => {
    expect(shares([run('a', { wants: 2 }), run('b'), run('c', { cap: 0 })])).toEqual({
      ...{ a: 1, b: 12, c: 0 },
    });
  });

  it('follow memory: a run of large jobs leaves the rest to one of small jobs', () => {
    const states = [run('large', { expected: 1000, used: 1000 }), run('small')];
    expect(shares(states, { free: 2500 })).toEqual({ large: 2, small: 5 });
  });

  it('leave room for what running jobs will take yet', () => {
    const states = [run('a', { out: 3, used: 100 }), run('b')];
    // Four jobs of 100 with 100 in use take 300 more.
    expect(shares(states, { free: 500 })).toEqual({ a: 3, b: 2 });
  });

  it('stay with those who have them where memory is short', () => {
    expect(shares([run('a', { out: 3 }), run('b')], { free: 0 })).toEqual({ a: 3, b: 0 });
  });

  it('are none where there are more runs than cores: each has its implicit slot', () => {
    expect(shares([run('a'), run('b'), run('c')], { slots: 2 })).toEqual({ a: 0, b: 0, c: 0 });
  });

  it.each([...Array(300).keys()])('keep their promises for any runs: seed %d', (seed) => {
    const random = draw(seed + 1);
    const whole = (most: number) => Math.floor(random() * (most + 1));
    const states = [...Array(1 + whole(7)).keys()].map((index) =>
      run(`run-${index}`, {
        ...{ cap: whole(20), wants: whole(24), out: whole(8), expected: 1 + whole(400) },
        used: whole(3000),
      }),
    );
    const pool: Pool = { slots: 1 + whole(40), free: random() < 0.3 ? 'infinity' : whole(4000) };
    const result = shareTokens(states, pool);
    const most = ({ cap, wants }: RunState) => Math.max(0, Math.min(cap, wants - 1));
    const share = ({ unit }: RunState) => result.get(unit) ?? Number.NaN;
    const given = states.reduce((sum, state) => sum + share(state), 0);

    expect(result.size).toBe(states.length);
    for (const state of states) {
      expect(share(state)).toBeGreaterThanOrEqual(0);
      expect(share(state)).toBeLessThanOrEqual(most(state));
    }
    expect(given).toBeLessThanOrEqual(Math.max(0, pool.slots - states.length));
    // Whoever computes it, and in which order the states are read, does not matter.
    expect(shareTokens([...states].reverse(), pool)).toEqual(result);
    if (pool.free !== 'infinity') return;
    // Nothing is left that anybody wants, and nobody has less than another who could give.
    const wanted = states.reduce((sum, state) => sum + most(state), 0);
    expect(given).toBe(Math.min(wanted, Math.max(0, pool.slots - states.length)));
    const short = states.filter((state) => share(state) < most(state)).map(share);
    const greatest = Math.max(...states.map(share));
    for (const poor of short) expect(poor).toBeGreaterThanOrEqual(greatest - 1);
  });
});

describe('the jobs that a run wants', () => {
  const look: Look = { nowMs: 0, limit: 1, used: 0, jobs: [], tokensOut: 0 };
  const job = { key: 'a', ageMs: 0, memory: 0, frozen: false };

  it.each<[string, Partial<Look>, number]>([
    ['all it may have while no token lies unread', { demand: 0, jobs: [job] }, 8],
    ['all it may have where that cannot be known', { jobs: [job] }, 8],
    ['what it has while tokens lie unread', { demand: 2, jobs: [job, { ...job, key: 'b' }] }, 2],
    ['one at least', { demand: 3 }, 1],
  ])('are %s', (_, seen, wants) => {
    expect(wantedJobs({ ...look, ...seen }, 7)).toBe(wants);
  });
});
