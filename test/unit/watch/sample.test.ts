import { describe, expect, it } from 'vitest';
import { readFreeSwap, readSample, sampleOf } from '../../../src/watch/sample.js';
import { tree } from '../cgroup/tree.js';

const FILES = {
  'cgroup.events': 'populated 1\nfrozen 0\n',
  'memory.current': '1000\n',
  'memory.high': 'max\n',
  'memory.max': '2000\n',
  'memory.swap.max': '500\n',
  'memory.swap.current': '100\n',
  'memory.stat': 'anon 700\nactive_file 10\ninactive_file 20\n',
  'memory.events': 'low 0\nhigh 3\nmax 4\noom 0\noom_kill 5\n',
  'memory.pressure': 'some avg10=1.50 avg60=0.00 avg300=0.00 total=9\n',
  'cpu.stat': 'usage_usec 8\nnr_periods 6\nnr_throttled 2\nthrottled_usec 1\n',
  'cpu.max': '150000 100000\n',
  'pids.current': '3\n',
  'pids.max': '40\n',
};

describe('readSample', () => {
  it('reads what a cgroup uses and may use', () => {
    const root = tree(Object.fromEntries(Object.entries(FILES).map(([k, v]) => [`a/${k}`, v])));
    expect(readSample('/a', 7, { root, freeSwap: 300 })).toEqual({
      atMs: 7,
      usage: {
        memoryCurrent: 1000,
        memoryAnon: 700,
        swapCurrent: 100,
        cpuUsec: 8,
        throttledUsec: 1,
        tasks: 3,
        oomKills: 5,
      },
      limits: { memoryHigh: 'infinity', memoryMax: 2000, swapMax: 500, tasksMax: 40, cores: 1.5 },
      pageCache: 30,
      swapRoom: 300,
      events: { high: 3, max: 4, oomKill: 5 },
      quota: { periods: 6, throttled: 2 },
      pressure: { memory: { some: { avg10: 1.5, avg60: 0, avg300: 0, total: 9 } } },
    });
  });

  it('is absent for a cgroup that is gone, and has little for one that tells little', () => {
    const root = tree({ 'a/cgroup.events': 'populated 0\n' });
    expect(readSample('/b', 0, { root })).toBeUndefined();
    expect(readSample('/a', 0, { root })).toEqual({
      atMs: 0,
      usage: {},
      limits: {},
      events: {},
      pressure: {},
    });
  });

  it('takes a file that makes no sense for one that is not there', () => {
    const broken = { 'memory.max': '?', 'memory.stat': 'x', 'cpu.max': '', 'io.pressure': 'no' };
    expect(sampleOf(broken, 0)).toMatchObject({ limits: {}, usage: {}, pressure: {} });
  });
});

describe('swap room', () => {
  const room = (files: Record<string, string>, free?: number) => sampleOf(files, 0, free).swapRoom;
  it('is the less of the unit’s and the machine’s', () => {
    expect(room({ 'memory.swap.max': '500', 'memory.swap.current': '100' }, 900)).toBe(400);
    expect(room({ 'memory.swap.max': '500', 'memory.swap.current': '600' }, 900)).toBe(0);
    expect(room({ 'memory.swap.max': 'max' }, 900)).toBe(900);
    expect(room({ 'memory.swap.max': 'max' })).toBe('infinity');
    expect(room({}, 0)).toBe(0);
    expect(room({})).toBeUndefined();
  });

  it('of the machine is SwapFree', () => {
    expect(readFreeSwap(tree({ meminfo: 'SwapTotal:  8 kB\nSwapFree:       4 kB\n' }))).toBe(4096);
    expect(readFreeSwap(tree({ meminfo: 'MemTotal:  8 kB\n' }))).toBeUndefined();
  });
});
