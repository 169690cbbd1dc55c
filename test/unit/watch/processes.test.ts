import { rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Pacer } from '../../../src/watch/pacer.js';
import { ProcessWatch } from '../../../src/watch/processes.js';
import { type FakeProcess, procFiles, tree } from '../cgroup/tree.js';

const CGROUP = '/rlimit-a-1.scope';

function scope(processes: Record<number, Partial<FakeProcess>>) {
  const files = Object.entries(processes).map(([pid, fake]) =>
    procFiles(Number(pid), { cgroup: CGROUP, ...fake }),
  );
  const procs = Object.keys(processes).map((pid) => `${pid}\n`);
  const root = tree(Object.assign({ [`${CGROUP}/cgroup.procs`]: procs.join('') }, ...files));
  return { root, proc: `${root}/proc` };
}

describe('ProcessWatch', () => {
  it('tells the five largest, and their memory', () => {
    const places = scope(
      Object.fromEntries([1, 2, 3, 4, 5, 6, 7].map((n) => [n, { rss: n * 100, comm: `p${n}` }])),
    );
    const looks = new ProcessWatch(CGROUP, places).look(0);
    expect(looks.map(({ pid }) => pid)).toEqual([7, 6, 5, 4, 3]);
    expect(looks[0]).toEqual({ pid: 7, startTicks: 1000, comm: 'p7', memory: 700 * 1024 });
  });

  it('tells the CPU used between two looks, but not that of another process of the same PID', () => {
    const places = scope({ 1: { rss: 2 }, 2: { startTicks: 5 } });
    const watch = new ProcessWatch(CGROUP, places);
    watch.look(1000);
    const spent = (pid: number, startTicks: number) => {
      const stat = procFiles(pid, { cgroup: CGROUP, startTicks })[`proc/${pid}/stat`] ?? '';
      // 100 ticks more than the fixture's 150 of utime: one second.
      writeFileSync(`${places.proc}/${pid}/stat`, stat.replace(' 150 50 ', ' 250 50 '));
    };
    spent(1, 1000);
    spent(2, 6);
    const looks = watch.look(3000);
    expect(looks.find(({ pid }) => pid === 1)).toMatchObject({ cores: 0.5 });
    expect(looks.find(({ pid }) => pid === 2)).not.toHaveProperty('cores');
  });

  it('leaves out those that end meanwhile', () => {
    const places = scope({ 1: {}, 2: {} });
    rmSync(`${places.proc}/2`, { recursive: true });
    expect(new ProcessWatch(CGROUP, places).look(0)).toHaveLength(1);
  });
});

describe('Pacer', () => {
  it('does not repeat a look that took t ms before 200 t', () => {
    const pacer = new Pacer();
    expect(pacer.isDue(0)).toBe(true);
    pacer.took(10, 1000);
    expect(pacer.isDue(2999)).toBe(false);
    expect(pacer.isDue(3000)).toBe(true);
    pacer.took(0, 3000, 500);
    expect(pacer.isDue(3499)).toBe(false);
    expect(pacer.isDue(3500)).toBe(true);
  });
});
