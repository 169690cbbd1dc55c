import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CgroupSource, JobLooker } from '../../../src/jobs/index.js';
import { tree } from '../cgroup/tree.js';

interface Fake {
  ppid?: number;
  comm?: string;
  start?: number;
  state?: string;
  /** CPU time in ticks. */
  ticks?: number;
  /** KiB. */
  anon?: number;
  file?: number;
  swap?: number;
  highWater?: number;
}

function files(pid: number, fake: Fake): Record<string, string> {
  const { ppid = 1, comm = 'sh', start = pid, state = 'S', ticks = 0 } = fake;
  const { anon = 100, file = 0, swap = 0, highWater = anon + file } = fake;
  const fields = Array.from({ length: 49 }, () => 0);
  fields[0] = ppid;
  fields[14 - 4] = ticks;
  fields[22 - 4] = start;
  fields[24 - 4] = (anon + file) / 4;
  return {
    [`proc/${pid}/stat`]: `${pid} (${comm}) ${state} ${fields.join(' ')}\n`,
    [`proc/${pid}/status`]:
      `Name:\tx\nVmHWM:\t ${highWater} kB\nVmRSS:\t ${anon + file} kB\nRssAnon:\t ${anon} kB\n` +
      `RssFile:\t ${file} kB\nRssShmem:\t 0 kB\nVmSwap:\t ${swap} kB\n`,
  };
}

function write(root: string, texts: Record<string, string>): void {
  for (const [path, text] of Object.entries(texts)) {
    mkdirSync(dirname(`${root}/${path}`), { recursive: true });
    writeFileSync(`${root}/${path}`, text);
  }
}

const M = 1024;
const MiB = 1024 ** 2;

/** A run in a cgroup: `set` makes or changes a process, `end` takes one away. */
function run(fakes: Record<number, Fake>, names: string[] = []) {
  const living = new Map(Object.entries(fakes).map(([pid, fake]) => [Number(pid), fake]));
  const all = [...living].map(([pid, fake]) => files(pid, fake));
  const root = tree({
    ...Object.assign({}, ...all),
    'cg/run/cgroup.stat': 'nr_descendants 1\nnr_dying_descendants 0\n',
    'cg/run/memory.stat': 'anon 12345\nfile 7\n',
    'cg/run/cgroup.procs': '0\n',
    'cg/run/a.scope/cgroup.procs': [...living.keys()].join('\n'),
  });
  const list = () =>
    writeFileSync(`${root}/cg/run/a.scope/cgroup.procs`, [...living.keys()].join('\n'));
  const source = new CgroupSource('/run', { root: `${root}/cg`, proc: `${root}/proc` });
  const looker = new JobLooker({ source, names, proc: `${root}/proc`, pageSize: 4096 });
  let at = 0;
  return {
    root,
    look: () => {
      at += 1;
      return looker.look(at);
    },
    set(pid: number, fake: Fake) {
      living.set(pid, fake);
      write(root, files(pid, fake));
      list();
    },
    end(pid: number, { listed = false } = {}) {
      rmSync(`${root}/proc/${pid}`, { recursive: true });
      if (!listed) living.delete(pid);
      list();
    },
  };
}

describe('a look', () => {
  test('tells the jobs with their anonymous memory, swapped out parts included', () => {
    const { look } = run({
      10: { comm: 'make', anon: 500 * M },
      11: { ppid: 10, comm: 'sh', anon: 100, file: 1000 },
      12: { ppid: 11, comm: 'cc1plus', anon: 300 * M, file: 20 * M, swap: 5 * M, start: 77 },
    });
    expect(look()).toEqual({
      at: 1,
      anon: 12345,
      dissolved: [],
      jobs: [
        {
          ...{ key: '11:11', root: 11, pids: [11, 12], comm: 'cc1plus', startTicks: 11 },
          memory: 305 * MiB + 1100 * 1024,
          peak: 305 * MiB + 1100 * 1024,
          frozen: false,
        },
      ],
    });
  });

  test('passes over zombies, and what has gone between two files', () => {
    const { look, end, root } = run({
      10: { comm: 'make' },
      11: { ppid: 10, anon: 50 * M },
      12: { ppid: 10, state: 'Z', anon: 0 },
      13: { ppid: 10, anon: 60 * M },
      14: { ppid: 10, anon: 70 * M },
    });
    end(13, { listed: true });
    rmSync(`${root}/proc/14/status`);
    expect(
      look()
        .jobs.map(({ root: pid, memory }) => [pid, memory])
        .sort(),
    ).toEqual([
      [11, 50 * MiB],
      [14, 0],
    ]);
  });

  test('takes names with brackets, blanks and newlines for what they are', () => {
    const evil = ') R 1 (\nmake';
    const { look } = run({ 10: { comm: 'make' }, 11: { ppid: 10, comm: evil, anon: 9 * M } });
    expect(look().jobs).toMatchObject([{ comm: evil, memory: 9 * MiB, root: 11 }]);
  });

  test('tells that a job is stopped', () => {
    const { look } = run({ 10: { comm: 'make' }, 11: { ppid: 10, state: 'T' } });
    expect(look().jobs).toMatchObject([{ frozen: true }]);
  });

  test('finds jobs by their names', () => {
    const { look } = run({ 10: { comm: 'bash' }, 11: { ppid: 10, comm: 'simulate' } }, [
      'simulate',
    ]);
    expect(look().jobs).toMatchObject([{ root: 11 }]);
  });

  test('of a cgroup that is gone, or of odd files, is empty', () => {
    const root = tree({
      'run/cgroup.procs': '',
      'run/cgroup.stat': 'x',
      'run/memory.stat': 'anon',
    });
    const source = new CgroupSource('/run', { root, proc: root });
    expect(new JobLooker({ source, proc: root }).look(5)).toMatchObject({ jobs: [], anon: 0 });
    const gone = new CgroupSource('/none', { root, proc: root });
    expect(new JobLooker({ source: gone, proc: root }).look(5)).toMatchObject({ jobs: [] });
  });

  test('finds cgroups that were made meanwhile', () => {
    const { look, root } = run({ 10: { comm: 'make' }, 11: { ppid: 10 } });
    expect(look().jobs).toHaveLength(1);
    write(root, {
      ...files(12, { ppid: 10 }),
      'cg/run/b.scope/cgroup.procs': '12\n',
      'cg/run/cgroup.stat': 'nr_descendants 2\n',
    });
    expect(look().jobs).toHaveLength(2);
  });
});

describe('the next look', () => {
  test('sees a peak in between by the most resident memory, less mapped files', () => {
    const { look, set } = run({ 10: { comm: 'make' }, 11: { ppid: 10, anon: 100 * M } });
    look();
    const now = { ppid: 10, ticks: 9, anon: 120 * M, file: 30 * M, highWater: 430 * M };
    set(11, now);
    expect(look().jobs).toMatchObject([{ memory: 120 * MiB, peak: 400 * MiB }]);
    // That peak was told of.
    set(11, { ...now, anon: 90 * M, ticks: 10 });
    expect(look().jobs).toMatchObject([{ memory: 90 * MiB, peak: 90 * MiB }]);
  });

  test('asks for memory only where it can have changed', () => {
    const { look, set, root } = run({
      10: { comm: 'make' },
      11: { ppid: 10, anon: 100 * M },
      12: { ppid: 10, anon: 8 * M },
    });
    look();
    const lie = (pid: number, kib: number) =>
      writeFileSync(`${root}/proc/${pid}/status`, `x\nVmHWM: ${kib} kB\nRssAnon: ${kib} kB\n`);
    lie(11, 999 * M);
    // A small one that has run without growing.
    set(12, { ppid: 10, anon: 8 * M, ticks: 5 });
    lie(12, 999 * M);
    expect(look().anon).toBe(12345);
    const memory = () => Object.fromEntries(look().jobs.map((job) => [job.root, job.memory / MiB]));
    expect(memory()).toEqual({ 11: 100, 12: 8 });
    set(11, { ppid: 10, anon: 100 * M, ticks: 5 });
    lie(11, 999 * M);
    set(12, { ppid: 10, anon: 9 * M, ticks: 6 });
    expect(memory()).toEqual({ 11: 999, 12: 9 });
  });

  test('does not take a process for the one that had its PID before', () => {
    const { look, set } = run({ 10: { comm: 'make' }, 11: { ppid: 10, anon: 500 * M } });
    look();
    set(11, { ppid: 10, anon: 20 * M, start: 99 });
    expect(look()).toMatchObject({ dissolved: [], jobs: [{ key: '11:99', peak: 20 * MiB }] });
  });

  test('counts anew what has become another program', () => {
    const { look, set } = run({ 10: { comm: 'make' }, 11: { ppid: 10, anon: 500 * M } });
    look();
    set(11, { ppid: 10, comm: 'cc1', anon: 20 * M, highWater: 40 * M });
    expect(look()).toMatchObject({ jobs: [{ key: '11:11', comm: 'cc1', peak: 40 * MiB }] });
  });

  test('tells what was no job after all, and not what has ended', () => {
    const { look, set, end } = run({
      10: { comm: 'make' },
      11: { ppid: 10, comm: 'sh' },
      12: { ppid: 10, comm: 'sh' },
    });
    look();
    set(13, { ppid: 11, comm: 'make' });
    end(12);
    expect(look()).toMatchObject({ jobs: [], dissolved: ['11:11'] });
    expect(look().dissolved).toEqual([]);
  });
});
