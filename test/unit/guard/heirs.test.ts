import { describe, expect, it } from 'vitest';
import { decide } from '../../../src/guard/decide/decide.js';
import { type GuardState, initialState } from '../../../src/guard/decide/types.js';
import { undo } from '../../../src/guard/decide/undo.js';
import { DEFAULT_SETTINGS } from '../../../src/guard/settings/settings.js';
import type { ProcessSample } from '../../../src/model/index.js';
import { GiB, MiB, machine, process, SCENE } from './world.js';

const settings = {
  ...DEFAULT_SETTINGS,
  dynamic_adjustment: { enabled: true, count: 1, score: 700 },
};
const hog = process(2000, 'hog', 4 * GiB);
const marked = { ...hog, oomScoreAdj: 700 };
const child = (pid: number, ppid: number, more: Partial<ProcessSample> = {}) =>
  process(pid, 'child', MiB, { ppid, oomScoreAdj: 700, startTicks: 9000 + pid, ...more });

function step(state: GuardState, atMs: number, processes: ProcessSample[]) {
  return decide(state, machine(atMs, 80, processes), settings);
}
const restoredBy = ({ actions }: Pick<ReturnType<typeof step>, 'actions'>) =>
  actions.flatMap((action) => (action.do === 'restore' ? [action.process.pid] : []));

describe('a score that was handed down', () => {
  // Somebody else's own 700 was there before.
  const own = child(2500, 2000, { startTicks: 2500 });
  const first = step(initialState(SCENE), 0, [hog, own]);
  const heirs = [child(3000, 2000), child(3001, 3000)];
  const second = step(first.state, 1000, [marked, own, ...heirs]);

  it('is known by descent, score and time', () => {
    expect(Object.keys(first.state.adjusted)).toEqual(['2000:3000']);
    expect(Object.keys(second.state.inherited)).toEqual(['3000:12000', '3001:12001']);
    expect(second.actions).toEqual([]);
    const others = [
      child(3002, 700),
      child(3003, 2000, { oomScoreAdj: 500 }),
      child(3005, 3004),
      child(3004, 2000, { oomScoreAdj: 0 }),
    ];
    const third = step(second.state, 2000, [marked, own, ...heirs, ...others]);
    expect(Object.keys(third.state.inherited)).toHaveLength(2);
  });

  it('is put back when the guard ends', () => {
    const pids = undo(second.state).map((action) => 'process' in action && action.process.pid);
    expect(pids).toEqual([2000, 3000, 3001]);
  });

  it('is put back when the one it is from is marked no more, or has gone', () => {
    const larger = process(4000, 'larger', 9 * GiB);
    const other = step(second.state, 2000, [marked, own, larger, ...heirs]);
    expect(restoredBy(other)).toEqual([2000, 3000, 3001]);
    expect(other.state.inherited).toEqual({});
    const orphan = { ...heirs[0], ppid: 1 } as ProcessSample;
    expect(restoredBy(step(second.state, 2000, [own, larger, orphan]))).toEqual([3000]);
  });

  it('is left alone where somebody has set another one, and stays with one that has grown', () => {
    const changed = { ...heirs[0], oomScoreAdj: 100 } as ProcessSample;
    const third = step(second.state, 2000, [marked, changed]);
    expect([third.state.inherited, restoredBy(third)]).toEqual([{}, []]);
    const grown = { ...heirs[0], anon: 9 * GiB, rss: 9 * GiB } as ProcessSample;
    const fourth = step(second.state, 2000, [marked, grown]);
    expect(fourth.state.adjusted).toMatchObject({ '3000:12000': { from: 0, to: 700 } });
    expect(restoredBy(fourth)).toEqual([2000]);
  });
});
