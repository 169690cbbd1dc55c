import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { roomReader } from '../../../src/jobserver/memory.js';
import { tree } from '../cgroup/tree.js';

const MEMINFO = 'MemTotal: 1000 kB\nMemAvailable: 400 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n';
const memory = (current: number, max: string, stat = 'anon 1\n', high = 'max') => ({
  'memory.current': `${current}\n`,
  'memory.max': `${max}\n`,
  'memory.high': `${high}\n`,
  'memory.stat': stat,
});

function cgroups(levels: Record<string, Record<string, string>>) {
  const files = Object.entries(levels).flatMap(([cgroup, each]) =>
    Object.entries(each).map(([file, text]) => [`cgroup${cgroup}/${file}`, text] as const),
  );
  return tree({ 'proc/meminfo': MEMINFO, ...Object.fromEntries(files) });
}

const reader = (root: string, cgroup: string) => roomReader(cgroup, `${root}/cgroup`, `${root}/`);
const room = (root: string, cgroup: string) => reader(root, cgroup)();

describe('the room of a run', () => {
  it('counts what cannot be dropped', () => {
    const stat = 'anon 600\ninactive_file 100\nactive_file 50\nslab_reclaimable 30\nshmem 20\n';
    const pressure = 'some avg10=12.50 avg60=0.00 avg300=0.00 total=5\n';
    const root = cgroups({ '/a': { ...memory(1000, '5000', stat), 'memory.pressure': pressure } });
    expect(room(root, '/a')).toEqual({
      limit: 5000,
      free: 'infinity',
      used: 820,
      available: 400 * 1024,
      pressure: 12.5,
    });
  });

  it('takes the tightest limit above, less what others use there', () => {
    const root = cgroups({
      '/top': memory(3000, '4000'),
      '/top/slice': memory(1500, 'max'),
      '/top/slice/own': memory(1000, '8000'),
    });
    expect(room(root, '/top/slice/own')).toEqual({
      ...{ limit: 2000, free: 1000, used: 1000, available: 400 * 1024 },
    });
  });

  it('follows limits that are changed: its own at once, those above before long', () => {
    const root = cgroups({ '/top': memory(100, '4000'), '/top/own': memory(100, '3000') });
    const look = reader(root, '/top/own');
    expect(look()?.limit).toBe(3000);
    writeFileSync(`${root}/cgroup/top/own/memory.max`, '2000\n');
    expect(look()?.limit).toBe(2000);
    writeFileSync(`${root}/cgroup/top/memory.max`, '1000\n');
    expect(Array.from({ length: 8 }, () => look()?.limit).at(-1)).toBe(1000);
  });

  it('takes MemoryHigh for a limit', () => {
    const root = cgroups({ '/a': memory(10, '5000', 'anon 1\n', '3000') });
    expect(room(root, '/a')?.limit).toBe(3000);
  });

  it('says so where there is no limit, and where memory is not counted', () => {
    const root = cgroups({ '/a': memory(10, 'max'), '/b': { 'pids.max': 'max\n' } });
    expect(room(root, '/a')?.limit).toBe('infinity');
    expect(room(root, '/b')).toBeUndefined();
    expect(room(root, '/gone')).toBeUndefined();
  });
});
