import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Sampler, type SamplerOptions } from '../../../src/sampler/index.js';
import { procFiles, tree } from '../cgroup/tree.js';

const MiB = 1024 ** 2;

const PRESSURE =
  'some avg10=1.50 avg60=2.00 avg300=0.50 total=12345\n' +
  'full avg10=0.50 avg60=1.00 avg300=0.10 total=345\n';

const MACHINE = {
  'proc/meminfo':
    'MemTotal:       16384 kB\nMemFree:         1024 kB\nMemAvailable:    4096 kB\n' +
    'SwapCached:         0 kB\nSwapTotal:       2048 kB\nSwapFree:        1024 kB\n',
  'proc/stat': 'cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 0 0 0 0\ncpu1 1 0 0 0 0\nintr 5\n',
  'proc/loadavg': '0.50 0.40 0.30 1/100 12\n',
  'proc/vmstat': 'nr_free_pages 5\noom_kill 7\noom_kill_disable 9\n',
  'proc/pressure/memory': PRESSURE,
  'proc/self/mountinfo': '',
  'cg/cgroup.stat': 'nr_descendants 3\nnr_dying_descendants 0\n',
};

const UNIT = {
  'cgroup.controllers': 'memory pids\n',
  'memory.current': `${6 * MiB}\n`,
  'memory.stat': `anon ${5 * MiB}\nfile 100\nanon_thp 0\n`,
  'memory.swap.current': '4096\n',
  'memory.max': `${8 * MiB}\n`,
  'memory.high': 'max\n',
  'memory.swap.max': '0\n',
  'memory.events': 'low 0\nhigh 4\nmax 2\noom 1\noom_kill 1\noom_group_kill 0\n',
  'memory.pressure': PRESSURE,
  'cpu.max': '200000 100000\n',
  'cpu.stat': 'usage_usec 1000000\nnr_periods 10\nnr_throttled 4\nthrottled_usec 500\n',
  'pids.current': '3\n',
  'pids.max': '300\n',
  'cgroup.freeze': '1\n',
};

const under = (cgroup: string, files: Record<string, string>) =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [`cg${cgroup}/${name}`, text]));

/** A sampler of a tree, whose clock goes on by hand. */
function sampling(files: Record<string, string>, options: SamplerOptions = {}) {
  const root = tree({ ...MACHINE, ...files });
  let now = 0;
  const sampler = new Sampler({
    proc: join(root, 'proc'),
    cgroups: join(root, 'cg'),
    env: { XDG_RUNTIME_DIR: join(root, 'run') },
    uid: 1000,
    clock: () => now,
    wall: () => 5,
    ...options,
  });
  const write = (path: string, text: string) => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const sample = (passedMs = 1000) => {
    now += passedMs;
    return sampler.sample();
  };
  return { root, sampler, write, sample };
}

describe('the machine', () => {
  it('is told in bytes, parts and percent, with rates from the second sample on', () => {
    const { sample, write } = sampling({});
    expect(sample()).toMatchObject({
      atMs: 1000,
      time: 5,
      memory: {
        total: 16 * MiB,
        available: 4 * MiB,
        free: MiB,
        swapTotal: 2 * MiB,
        swapFree: MiB,
      },
      cpu: { cpus: 2, load: 0.5 },
      pressure: { memory: { some: 1.5, full: 0.5, some60: 2, full60: 1 } },
      oomKills: 7,
    });
    expect(sample().cpu).not.toHaveProperty('busy');
    write('proc/stat', 'cpu  150 0 125 725 100 0 0 0 0 0\ncpu0 1 0 0 0 0\ncpu1 1 0 0 0 0\n');
    expect(sample().cpu?.busy).toBe(0.75);
  });

  it('leaves out what is not told or makes no sense', () => {
    const { sample } = sampling({
      'proc/stat': 'nonsense\n',
      'proc/vmstat': 'oom_kill many\n',
      'proc/pressure/memory': 'some avg10=x avg60=0.00 avg300=0.00 total=0\n',
      'proc/loadavg': '',
    });
    const seen = sample();
    expect(seen).not.toHaveProperty('cpu');
    expect(seen).not.toHaveProperty('oomKills');
    expect(seen.pressure).toEqual({});
  });

  it('cannot be without memory', () => {
    const { sample, root } = sampling({});
    rmSync(join(root, 'proc/meminfo'));
    expect(() => sample()).toThrow('/proc/meminfo cannot be read');
  });

  it('reads a file of several pages whole', () => {
    const many = Array.from({ length: 500 }, (_, index) => `figure_${index} 1\n`).join('');
    expect(sampling({ 'proc/vmstat': `${many}oom_kill 3\n` }).sample().oomKills).toBe(3);
  });
});

describe('units', () => {
  it('are those with a limit, with use, limits, pressure and events', () => {
    const { sample, write } = sampling({
      ...under('/system.slice/ollama.service', UNIT),
      ...under('/system.slice/free.service', {
        ...UNIT,
        'memory.max': 'max',
        'memory.swap.max': 'max',
        'cpu.max': 'max 100000',
        'pids.max': 'max',
      }),
    });
    const [unit, ...others] = sample().units;
    expect(others).toEqual([]);
    expect(unit).toEqual({
      unit: 'ollama.service',
      cgroup: '/system.slice/ollama.service',
      ours: false,
      use: { memory: 6 * MiB, anon: 5 * MiB, swap: 4096, cpuUsec: 1e6, tasks: 3 },
      limits: { memoryMax: 8 * MiB, memoryHigh: 'infinity', swapMax: 0, tasksMax: 300, cores: 2 },
      pressure: { memory: { some: 1.5, full: 0.5, some60: 2, full60: 1 } },
      events: { high: 4, max: 2, oomKill: 1, periods: 10, throttled: 4, throttledUsec: 500 },
      frozen: true,
    });
    write('cg/system.slice/ollama.service/cpu.stat', 'usage_usec 4000000\n');
    expect(sample(2000).units[0]?.use.cores).toBe(1.5);
    write('cg/system.slice/ollama.service/cpu.stat', 'usage_usec 1\n');
    expect(sample().units[0]?.use).not.toHaveProperty('cores');
  });

  it.each([
    ['15 % of what the machine may have', '4915', '32768', []],
    ['33 % of it', '10813', '32768', []],
    ['chosen by somebody', '4096', '32768', ['a.service']],
  ])('with a TasksMax alone that is %s', (_, max, most, expected) => {
    const { sample } = sampling({
      'proc/sys/kernel/pid_max': most,
      'proc/sys/kernel/threads-max': '100000',
      ...under('/a.service', { 'cgroup.controllers': '', 'pids.max': max, 'pids.current': '5' }),
    });
    expect(sample().units.map(({ unit }) => unit)).toEqual(expected);
  });

  it('whose TasksMax is everybody’s are shown when it is nearly reached', () => {
    const pids = (current: string) => ({
      'cgroup.controllers': '',
      'pids.max': '777',
      'pids.current': current,
    });
    const { sample } = sampling(
      Object.assign(
        {},
        ...['a', 'b', 'c', 'd'].map((name) =>
          under(`/${name}.service`, pids(name === 'c' ? '700' : '5')),
        ),
      ),
    );
    expect(sample().units.map(({ unit }) => unit)).toEqual(['c.service']);
  });

  it('come and go; a run of ours at once, with its profile', () => {
    const { sample, write, root } = sampling({});
    expect(sample().units).toEqual([]);
    const scope = '/user.slice/user-1000.slice/mine.scope';
    write(`cg${scope}/cgroup.controllers`, '');
    write('run/rlimit/mine.scope.json', JSON.stringify(record('mine.scope')));
    expect(sample(10).units).toMatchObject([
      { unit: 'mine.scope', cgroup: scope, ours: true, profile: 'coq', started: 12 },
    ]);
    rmSync(join(root, `cg${scope}`), { recursive: true });
    expect(sample(10).units).toEqual([]);
  });

  it('are looked for again when the tree has changed, and not all the time', () => {
    const { sample, write } = sampling({});
    sample();
    write('cg/b.service/cgroup.controllers', '');
    write('cg/b.service/memory.max', '5');
    expect(sample(100).units).toEqual([]);
    write('cg/cgroup.stat', 'nr_descendants 4\n');
    expect(sample(100).units).toEqual([]);
    expect(sample(2000).units).toHaveLength(1);
  });

  it('by the name that `run` gives them are ours without a record, and their slices are not shown', () => {
    const { sample } = sampling({
      ...under('/app-rlimit.slice/app-rlimit-k1.slice', UNIT),
      ...under('/app-rlimit.slice/app-rlimit-k1.slice/rlimit-x-k1.scope', UNIT),
    });
    expect(sample().units.map(({ unit, ours }) => [unit, ours])).toEqual([
      ['rlimit-x-k1.scope', true],
    ]);
  });

  it('are wanted by name, and without files have no figures', () => {
    const { sample } = sampling(
      under('/system.slice/ssh.service', { 'cgroup.controllers': 'memory', 'memory.max': 'much' }),
      { units: ['ssh.service'] },
    );
    expect(sample().units).toEqual([
      {
        unit: 'ssh.service',
        cgroup: '/system.slice/ssh.service',
        ours: false,
        use: {},
        limits: {},
        pressure: {},
        events: {},
      },
    ]);
  });

  it('believe a user’s record for that user’s units alone, and no file that is none', () => {
    const { sample, root, write } = sampling({
      ...under('/system.slice/ssh.service', UNIT),
      ...under('/user.slice/user-1000.slice/user@1000.service/mine.scope', UNIT),
    });
    const runtimes = join(root, 'users');
    write('users/1000/rlimit/ssh.service.json', JSON.stringify(record('ssh.service')));
    write('users/1000/rlimit/mine.scope.json', JSON.stringify(record('mine.scope')));
    mkdirSync(join(runtimes, '1000/rlimit/dir.scope.json'));
    const env = { XDG_RUNTIME_DIR: join(root, 'run') };
    const asRoot = new Sampler({
      proc: join(root, 'proc'),
      cgroups: join(root, 'cg'),
      env,
      uid: 0,
      runtimes,
    });
    expect(asRoot.sample().units.map(({ unit, ours }) => [unit, ours])).toEqual([
      ['mine.scope', true],
      ['ssh.service', false],
    ]);
    expect(sample().units.every(({ ours }) => !ours)).toBe(true);
  });
});

function record(unit: string) {
  return {
    version: 1,
    unit,
    slice: 'app-rlimit.slice',
    profile: 'coq',
    properties: {},
    command: ['make'],
    cwd: '/',
    started: 12,
  };
}

describe('processes', () => {
  const cgroup = '/user.slice/a.scope';
  const statFile = 'proc/100/stat';

  it('have their size at once, and rates from the second sample on', () => {
    const { sample, write } = sampling(procFiles(100, { comm: 'coqc', cgroup, rss: 4096 }));
    const [first] = sample().processes;
    expect(first).toMatchObject({
      pid: 100,
      comm: 'coqc',
      startTicks: 1000,
      ppid: 1,
      rss: 4 * MiB,
      cgroup,
    });
    expect(first).not.toHaveProperty('cores');
    const later = procFiles(100, { comm: 'coqc', cgroup, rss: 8192 })[statFile] ?? '';
    // utime: 150 ticks become 250, in two seconds.
    write(statFile, later.replace(' 150 50 ', ' 250 50 '));
    expect(sample(2000).processes[0]).toMatchObject({ cores: 0.5, rss: 8 * MiB, growth: 2 * MiB });
    expect(sample().processes[0]).toMatchObject({ cores: 0, growth: 0 });
  });

  it.each([
    ['brackets', 'a) S 1 (b'],
    ['a line end', 'a\nb) Z 1\n'],
    ['an escape sequence', '\u001b[2Jx'],
    ['blanks', '  '],
    ['nothing', ''],
    ['letters of two bytes', 'müslï'],
  ])('may have %s in their names', (_, comm) => {
    const { sample } = sampling(procFiles(100, { comm, cgroup }));
    expect(sample().processes).toMatchObject([{ pid: 100, comm }]);
  });

  it('are no zombies, threads of the kernel, or files cut short', () => {
    const { sample } = sampling({
      ...procFiles(100, { cgroup, state: 'Z' }),
      ...procFiles(101, { cgroup, flags: 0x00200040 }),
      'proc/102/stat': '102 (cut) S 1 1',
      'proc/103/stat': '',
      'proc/104/other': '',
      'proc/105/stat': 'x (y) S 1 2 3',
      ...procFiles(106, { cgroup, comm: 'real' }),
    });
    expect(sample().processes.map(({ comm }) => comm)).toEqual(['real']);
  });

  it('that vanish are gone, and another with the PID is another', () => {
    const { sample, write, root } = sampling({
      ...procFiles(100, { comm: 'one', cgroup }),
      ...procFiles(101, { comm: 'two', cgroup }),
    });
    expect(sample().processes).toHaveLength(2);
    rmSync(join(root, 'proc/101'), { recursive: true });
    write(statFile, procFiles(100, { comm: 'new', cgroup, startTicks: 9000 })[statFile] ?? '');
    const { processes } = sample();
    expect(processes).toMatchObject([{ comm: 'new', startTicks: 9000 }]);
    expect(processes[0]).not.toHaveProperty('cores');
  });

  it('are told of in detail where they are large', () => {
    const details = { 'proc/100/oom_score': '667\n', 'proc/100/oom_score_adj': '-200\n' };
    const { sample } = sampling(
      {
        ...procFiles(100, {
          comm: 'python3',
          argv: ['/usr/bin/python3.11', '-m'],
          cgroup,
          rss: 9000,
        }),
        ...procFiles(101, { comm: 'small', cgroup, rss: 100 }),
        'proc/100/status':
          'Name:\tRssAnon:\t9 kB\nVmRSS:\t9000 kB\nRssAnon:\t  8000 kB\nVmSwap:\t  40 kB\n',
        ...details,
      },
      { details: 1 },
    );
    const { processes } = sample();
    expect(processes.find(({ pid }) => pid === 100)).toMatchObject({
      argv0: 'python3.11',
      cgroup,
      anon: 8000 * 1024,
      swap: 40 * 1024,
      oomScore: 667,
      oomScoreAdj: -200,
      uid: process.getuid?.(),
    });
    expect(processes.find(({ pid }) => pid === 101)).not.toHaveProperty('cgroup');
  });

  it('that sleep are read seldom while the machine is calm, and all when memory goes', () => {
    const { sample, write } = sampling(procFiles(100, { cgroup, rss: 1024 }));
    for (let turn = 0; turn < 6; turn += 1) sample();
    write(statFile, procFiles(100, { cgroup, rss: 4096 })[statFile] ?? '');
    let waited = 0;
    while (sample().processes[0]?.rss === MiB && waited < 20) waited += 1;
    expect(waited).toBeLessThan(8);
    for (let turn = 0; turn < 6; turn += 1) sample();
    write(statFile, procFiles(100, { cgroup, rss: 8192 })[statFile] ?? '');
    write('proc/meminfo', 'MemTotal: 16384 kB\nMemAvailable: 1000 kB\n');
    expect(sample().processes[0]?.rss).toBe(8 * MiB);
  });

  it('that others move or mark are found again, at once where memory is short', () => {
    const cg = 'proc/100/cgroup';
    const { sample, write } = sampling(procFiles(100, { cgroup }), { details: Infinity });
    for (let turn = 0; turn < 6; turn += 1) sample();
    write(cg, '0::/b.scope\n');
    let waited = 0;
    while (sample().processes[0]?.cgroup !== '/b.scope' && waited < 100) waited += 1;
    expect(waited).toBeLessThan(32);
    write(cg, '0::/c.scope\n');
    write('proc/meminfo', 'MemTotal: 16384 kB\nMemAvailable: 1000 kB\n');
    expect(sample().processes[0]?.cgroup).toBe('/c.scope');
  });

  it('get their name from the command line once memory is no longer short', () => {
    const short = 'MemTotal: 16384 kB\nMemAvailable: 1000 kB\n';
    const { sample, write } = sampling({
      ...procFiles(100, { comm: 'python3', argv: ['/opt/server'], cgroup }),
      'proc/meminfo': short,
    });
    expect(sample().processes[0]).not.toHaveProperty('argv0');
    write('proc/meminfo', MACHINE['proc/meminfo']);
    for (let turn = 0; turn < 34; turn += 1) sample();
    expect(sample().processes[0]).toMatchObject({ argv0: 'server' });
  });

  it('that wake up have grown since they were last seen asleep', () => {
    const { sample, write } = sampling({
      ...procFiles(100, { cgroup, rss: 1024 }),
      'proc/meminfo': 'MemTotal: 16384 kB\nMemAvailable: 1000 kB\n',
      'proc/100/statm': '9 256 0\n',
    });
    for (let turn = 0; turn < 20; turn += 1) sample();
    write(statFile, procFiles(100, { cgroup, rss: 4096 })[statFile] ?? '');
    write('proc/100/statm', '9 1024 0\n');
    expect(sample().processes[0]).toMatchObject({ anon: 4 * MiB, growth: 3 * MiB });
  });

  it('do not care for a clock on the wall that jumps', () => {
    const walls = [1_000_000, 5, 9e12];
    const { sample, write } = sampling(procFiles(100, { cgroup }), {
      wall: () => walls.shift() ?? 0,
    });
    sample();
    write(statFile, (procFiles(100, { cgroup })[statFile] ?? '').replace(' 150 50 ', ' 250 50 '));
    expect(sample()).toMatchObject({ time: 5, processes: [{ cores: 1 }] });
  });

  it('keep no more files open than there are processes', () => {
    const { sample, root, sampler } = sampling({});
    for (let round = 0; round < 50; round += 1) {
      const files = procFiles(200 + round, { cgroup });
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(join(root, path, '..'), { recursive: true });
        appendFileSync(join(root, path), text);
      }
      sample();
      sample();
      rmSync(join(root, `proc/${200 + round}`), { recursive: true });
    }
    expect(sample().processes).toEqual([]);
    sampler.close();
    sampler.close();
  });
});
