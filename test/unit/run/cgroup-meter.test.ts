import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CgroupMeter } from '../../../src/run/cgroup-meter.js';

/** A machine as a tree of files: `cgroup` and `proc` below one directory. */
let system: string;
const top = '/app.slice/run.slice';
const leaf = `${top}/run.scope`;

beforeEach(() => {
  system = `${mkdtempSync(`${tmpdir()}/rlimit-meter-`)}/`;
  meminfo(8000);
  cgroup('/app.slice', { 'memory.events.local': 'oom 3\noom_kill 1', 'memory.max': '1048576' });
  cgroup(top, {
    'memory.events': 'low 0\nhigh 0\nmax 0\noom 0\noom_kill 0',
    'memory.stat': 'anon 1000\nfile 5\n',
    'memory.current': '2000',
    'memory.peak': '2500',
    'cpu.stat': 'usage_usec 700\nuser_usec 500\nsystem_usec 200',
    'pids.peak': '3',
    'memory.pressure':
      'some avg10=9.00 avg60=0.00 avg300=0.00 total=90\nfull avg10=7.50 avg60=0.00 avg300=0.00 total=75',
  });
  cgroup(leaf, {
    'cgroup.procs': '41\n42',
    'cpu.stat': 'usage_usec 1\nnr_periods 10\nnr_throttled 4\nthrottled_usec 1234',
    'pids.events': 'max 2',
  });
  processFiles(41, 'make', 100);
  processFiles(42, 'coqc', 900);
});
afterEach(() => rmSync(system, { recursive: true }));

function cgroup(path: string, files: Record<string, string>): void {
  mkdirSync(`${system}cgroup${path}`, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(`${system}cgroup${path}/${name}`, `${content}\n`);
  }
}

function meminfo(available: number): void {
  mkdirSync(`${system}proc`, { recursive: true });
  writeFileSync(
    `${system}proc/meminfo`,
    `MemTotal: 10000 kB\nMemAvailable: ${available} kB\nSwapTotal: 100 kB\nSwapFree: 90 kB\n`,
  );
}

function processFiles(pid: number, comm: string, kibibytes: number): void {
  const dir = `${system}proc/${pid}`;
  mkdirSync(dir, { recursive: true });
  const zeros = Array.from({ length: 16 }, () => '0').join(' ');
  writeFileSync(`${dir}/stat`, `${pid} (${comm}) S 1 1 ${zeros} ${pid * 10} 0`);
  writeFileSync(`${dir}/status`, `VmRSS:\t${kibibytes} kB\n`);
  writeFileSync(`${dir}/cgroup`, `0::${leaf}\n`);
  writeFileSync(`${dir}/cmdline`, `${comm}\0`);
}

const begin = (memoryMax: number | 'infinity' = 'infinity') =>
  new CgroupMeter({ top, leaf, memoryMax, root: `${system}cgroup`, system });

describe('CgroupMeter', () => {
  it('reads what the kernel kept, from the start of the command on', () => {
    const meter = begin();
    cgroup(top, { 'cpu.stat': 'usage_usec 5700' });
    expect(meter.final().figures).toEqual({
      memoryPeak: 2500,
      cpuUsec: 5000,
      throttledUsec: 1234,
      throttledPart: 0.4,
      tasksPeak: 3,
      oomKills: 0,
      forksRefused: 2,
      memoryStallUsec: 75,
    });
    expect(meter.final().pressurePercent).toBe(7.5);
  });

  it('remembers what goes with the scope', () => {
    const meter = begin();
    meter.sample();
    rmSync(`${system}cgroup${leaf}`, { recursive: true });
    expect(meter.final().figures).toMatchObject({ throttledUsec: 1234, forksRefused: 2 });
  });

  it('keeps the most anonymous memory, and the least that the machine had', () => {
    const meter = begin();
    meter.sample();
    cgroup(top, { 'memory.stat': 'anon 9000' });
    meminfo(3000);
    meter.sample();
    cgroup(top, { 'memory.stat': 'anon 10' });
    meminfo(7000);
    meter.sample();
    const { figures, machine } = meter.final();
    expect(figures.anonPeak).toBe(9000);
    expect(machine).toEqual({
      total: 10000 * 1024,
      available: 3000 * 1024,
      swapTotal: 100 * 1024,
      swapFree: 90 * 1024,
    });
  });

  it('reckons how little the machine had between two looks, from the peak that the kernel kept', () => {
    const meter = begin();
    meminfo(8000);
    cgroup(top, { 'memory.current': String(1000 * 1024) });
    meter.sample();
    cgroup(top, { 'memory.peak': String(7500 * 1024) });
    expect(meter.final().machine.available).toBe(1500 * 1024);
    cgroup(top, { 'memory.peak': String(9900 * 1024) });
    expect(meter.final().machine.available).toBe(0);
  });

  it('does without memory.peak, as kernels before 5.19 do', () => {
    rmSync(`${system}cgroup${top}/memory.peak`);
    const meter = begin();
    expect(meter.final().figures).not.toHaveProperty('memoryPeak');
    meter.sample();
    expect(meter.final().figures.memoryPeak).toBe(2000);
  });

  it('knows who was killed: the largest that went as the count rose', () => {
    const meter = begin();
    meter.sample();
    rmSync(`${system}proc/42`, { recursive: true });
    cgroup(top, { 'memory.events': 'oom 1\noom_kill 1' });
    expect(meter.final()).toMatchObject({
      events: { oom: 1, oom_kill: 1 },
      victim: { comm: 'coqc', pid: 42, memory: 900 * 1024 },
      ancestors: [],
    });
  });

  it('does not take a process that was given the PID for the one that went', () => {
    const meter = begin();
    meter.sample();
    processFiles(42, 'innocent', 900);
    const stat = `42 (innocent) S 1 1 ${'0 '.repeat(16)}777 0`;
    writeFileSync(`${system}proc/42/stat`, stat);
    cgroup(top, { 'memory.events': 'oom 1\noom_kill 1' });
    expect(meter.final().victim).toMatchObject({ comm: 'coqc' });
  });

  it('tells which cgroup above was at its limit', () => {
    const meter = begin();
    cgroup('/app.slice', { 'memory.events.local': 'oom 4\noom_kill 1' });
    expect(meter.final().ancestors).toEqual([{ cgroup: '/app.slice', memoryMax: 1048576 }]);
  });

  it('looks more closely when anonymous memory nears the limit, or the machine runs short', () => {
    const meter = begin(1200);
    meter.sample();
    expect(meter.isTight).toBe(true);
    const roomy = begin(100_000);
    roomy.sample();
    expect(roomy.isTight).toBe(false);
    meminfo(2000);
    roomy.sample();
    expect(roomy.isTight).toBe(true);
  });

  it('survives a cgroup that is gone', () => {
    const meter = begin();
    rmSync(`${system}cgroup/app.slice`, { recursive: true });
    meter.sample();
    expect(meter.final().figures).toEqual({});
  });
});
