import { describe, expect, it } from 'vitest';
import { type Candidate, decide } from '../../../../src/run/watch/decide.js';

const process_ = (pid: number, memory = 1, threads = 1): Candidate => ({
  pid,
  startTicks: pid,
  comm: `p${pid}`,
  memory,
  threads,
});
const limits = (more = {}) => ({ policy: 'continue' as const, swap: false, ...more });
const pids = (kill: 'all' | readonly Candidate[] | undefined) =>
  kill === 'all' ? kill : kill?.map(({ pid }) => pid);

describe('decide on memory', () => {
  const processes = [process_(1, 10), process_(2, 70), process_(3, 30)];
  const seen = { memory: 110, tasks: 3, processes };

  it('leaves alone what is within its limit', () => {
    expect(decide(limits({ memory: 110, tasks: 3 }), seen, undefined)).toBeUndefined();
    expect(decide(limits(), seen, undefined)).toBeUndefined();
  });

  it('kills the largest process, and says what was seen', () => {
    expect(decide(limits({ memory: 100 }), seen, undefined)).toEqual({
      property: 'MemoryMax',
      limit: 100,
      seen: 110,
      kill: [processes[1]],
      culprit: processes[1],
    });
  });

  it('kills all where the policy is to stop', () => {
    const action = decide(limits({ memory: 100, policy: 'all' }), seen, undefined);
    expect([action?.kill, action?.culprit.pid]).toEqual(['all', 2]);
  });

  it('gives a kill time to work, then kills all, and forgets it after a while', () => {
    const after = (agoMs: number) =>
      pids(decide(limits({ memory: 100 }), seen, { property: 'MemoryMax', agoMs })?.kill);
    expect(after(50)).toBeUndefined();
    expect(after(110)).toBe('all');
    expect(after(5000)).toEqual([2]);
  });

  it('has nothing to kill where no process is', () => {
    expect(decide(limits({ memory: 1 }), { ...seen, processes: [] }, undefined)).toBeUndefined();
  });
});

describe('decide on tasks', () => {
  const processes = [process_(3), process_(1), process_(2, 1, 4), process_(4)];
  const seen = { memory: 0, tasks: 7, processes };

  it('kills the youngest, as many as are too many', () => {
    expect(pids(decide(limits({ tasks: 6 }), seen, undefined)?.kill)).toEqual([4]);
    expect(pids(decide(limits({ tasks: 4 }), seen, undefined)?.kill)).toEqual([4, 3, 2]);
  });

  it('kills all when many are born at once, or again and again', () => {
    expect(decide(limits({ tasks: 3 }), seen, undefined)?.kill).toBe('all');
    const again = (agoMs: number) =>
      decide(limits({ tasks: 6 }), seen, { property: 'TasksMax', agoMs });
    expect(again(500)?.kill).toBe('all');
    expect(pids(again(60_000)?.kill)).toEqual([4]);
  });

  it('tells the youngest by its start, and then by its PID', () => {
    const twins = [
      { ...process_(5), startTicks: 9 },
      { ...process_(6), startTicks: 9 },
    ];
    const kill = decide(
      limits({ tasks: 1 }),
      { memory: 0, tasks: 2, processes: twins },
      undefined,
    )?.kill;
    expect(pids(kill)).toEqual([6]);
  });
});
