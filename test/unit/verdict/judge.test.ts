import { describe, expect, it } from 'vitest';
import type { GuardTouch, Outcome } from '../../../src/model/index.js';
import { renderOutcome, wordVerdict } from '../../../src/render/verdict.js';
import { adviseChange, type Evidence, judge, type Measured } from '../../../src/verdict/index.js';

const G = 1024 ** 3;
const QUIET: Measured = {
  figures: {},
  events: { high: 0, max: 0, oom: 0, oom_kill: 0 },
  ancestors: [],
  machine: { total: 16 * G, available: 8 * G, swapTotal: 0, swapFree: 0 },
};

/** A run that ended with 0 after ten seconds, but for what is said. */
function run(change: Omit<Partial<Evidence>, 'measured'> & { measured?: Partial<Measured> } = {}) {
  const { measured, ...rest } = change;
  const evidence: Evidence = {
    command: ['make'],
    launcher: 'user',
    ending: { status: 0 },
    elapsedMs: 10_000,
    limits: { MemoryMax: '4G', CPUQuota: '200%', TasksMax: '100' },
    received: [],
    ...rest,
    measured: { ...QUIET, ...measured },
  };
  return evidence;
}

const SIGKILL = { signal: 'SIGKILL' };
const oomKilled = { ...QUIET.events, oom: 1, oom_kill: 1 };
const killedAbove = { ...QUIET.events, oom_kill: 1 };
const above = [{ cgroup: '/a/app.slice', memoryMax: 2 * G }];
const lowMemory = { ...QUIET.machine, available: 1.5 * G };

const ENDED: NonNullable<GuardTouch['ended']> = {
  of: 'machine',
  whole: true,
  signal: 'SIGKILL',
  reason: 'memory',
  ...{ available: 3.1, why: '3.1 % of memory is available' },
};

describe('judge', () => {
  it.each<[string, string, Evidence]>([
    ['finished', 'a good end', run()],
    ['failed', 'a status of its own', run({ ending: { status: 2 } })],
    ['failed', 'a crash', run({ ending: { signal: 'SIGSEGV' } })],
    [
      'failed',
      'a failure that was throttled',
      run({ ending: { status: 1 }, measured: { figures: { throttledPart: 0.9 } } }),
    ],
    [
      'memory-max',
      'the kernel counted oom in it',
      run({ ending: SIGKILL, measured: { events: oomKilled } }),
    ],
    [
      'memory-max',
      'only a job was killed and all went well',
      run({ measured: { events: oomKilled } }),
    ],
    [
      'memory-max',
      'it was killed while we handed on a signal',
      run({
        ending: SIGKILL,
        received: [{ signal: 'SIGTERM', fromTerminal: false }],
        measured: { events: oomKilled },
      }),
    ],
    [
      'ancestor-memory-max',
      'oom was counted above',
      run({ ending: SIGKILL, measured: { events: killedAbove, ancestors: above } }),
    ],
    [
      'machine-oom',
      'oom was counted nowhere',
      run({ ending: SIGKILL, measured: { events: killedAbove } }),
    ],
    ['systemd-oomd', "systemd's result", run({ ending: SIGKILL, unitResult: 'oom-kill' })],
    [
      'systemd-oomd',
      "systemd's words",
      run({ ending: SIGKILL, oomd: { says: 'systemd-oomd killed 1 process(es)' } }),
    ],
    [
      'systemd-oomd',
      'it runs, and there was pressure',
      run({ ending: SIGKILL, oomd: {}, measured: { pressurePercent: 30 } }),
    ],
    [
      'systemd-oomd',
      'it runs, and swap was full',
      run({
        ending: SIGKILL,
        oomd: {},
        measured: { machine: { ...QUIET.machine, swapTotal: G, swapFree: G / 20 } },
      }),
    ],
    ['foreign-signal', 'oomd runs, but had no reason', run({ ending: SIGKILL, oomd: {} })],
    [
      'foreign-signal',
      'oomd does not send SIGTERM',
      run({ ending: { signal: 'SIGTERM' }, oomd: {}, measured: { pressurePercent: 30 } }),
    ],
    [
      'earlyoom',
      'its words',
      run({
        ending: { status: 2 },
        earlyoom: { termPercent: 10, says: 'sending SIGTERM to process 7' },
      }),
    ],
    [
      'earlyoom',
      'it runs, and memory was short',
      run({
        ending: { signal: 'SIGTERM' },
        earlyoom: { termPercent: 10 },
        measured: { machine: lowMemory },
      }),
    ],
    [
      'foreign-signal',
      'earlyoom runs, but memory was there',
      run({ ending: { signal: 'SIGTERM' }, earlyoom: { termPercent: 10 } }),
    ],
    [
      'failed',
      'an ordinary failure beside earlyoom',
      run({
        ending: { status: 1 },
        earlyoom: { termPercent: 10 },
        measured: { machine: lowMemory },
      }),
    ],
    [
      'tasks-max',
      'refused forks',
      run({ ending: { status: 2 }, measured: { figures: { forksRefused: 3 } } }),
    ],
    [
      'tasks-max',
      'a failure at the limit',
      run({ ending: { status: 2 }, measured: { figures: { tasksPeak: 100 } } }),
    ],
    ['finished', 'a good end at the limit', run({ measured: { figures: { tasksPeak: 100 } } })],
    [
      'user-signal',
      'Ctrl-C',
      run({ ending: { signal: 'SIGINT' }, received: [{ signal: 'SIGINT', fromTerminal: true }] }),
    ],
    [
      'user-signal',
      'make after Ctrl-C',
      run({ ending: { status: 130 }, received: [{ signal: 'SIGINT', fromTerminal: true }] }),
    ],
    [
      'user-signal',
      'make after SIGTERM',
      run({ ending: { status: 2 }, received: [{ signal: 'SIGTERM', fromTerminal: false }] }),
    ],
    [
      'user-signal',
      'rlimit kill',
      run({ ending: SIGKILL, killed: { signal: 'SIGKILL', by: 'rlimit kill' } }),
    ],
    [
      'finished',
      'it lived through a SIGHUP',
      run({ received: [{ signal: 'SIGHUP', fromTerminal: false }] }),
    ],
    [
      'foreign-signal',
      'another signal than the one handed on',
      run({ ending: SIGKILL, received: [{ signal: 'SIGHUP', fromTerminal: false }] }),
    ],
    ['foreign-signal', 'a shell tells of SIGKILL', run({ ending: { status: 137 } })],
    ['throttled', 'most periods', run({ measured: { figures: { throttledPart: 0.6 } } })],
    ['finished', 'few periods', run({ measured: { figures: { throttledPart: 0.3 } } })],
    ['finished', 'a moment', run({ elapsedMs: 500, measured: { figures: { throttledPart: 1 } } })],
    [
      'stalled',
      'it waited for memory',
      run({
        ending: { signal: 'SIGINT' },
        limits: { MemoryHigh: '1G' },
        received: [{ signal: 'SIGINT', fromTerminal: true }],
        measured: { events: { ...QUIET.events, high: 999 }, figures: { memoryStallUsec: 8e6 } },
      }),
    ],
    [
      'finished',
      'it waited, but not because of MemoryHigh',
      run({ measured: { figures: { memoryStallUsec: 8e6 } } }),
    ],
    [
      'memory-max',
      'a watching launcher ended it',
      run({
        ending: SIGKILL,
        launcher: 'watched',
        measured: {
          enforced: { property: 'MemoryMax', limit: G, seen: 1.1 * G, culprit: { comm: 'x' } },
        },
      }),
    ],
    [
      'tasks-max',
      'a watching launcher ended some',
      run({
        ending: SIGKILL,
        launcher: 'watched',
        measured: {
          enforced: { property: 'TasksMax', limit: 10, seen: 12, culprit: { comm: 'x' } },
        },
      }),
    ],
    ['guard', 'it was ended whole', run({ ending: SIGKILL, guard: { ended: ENDED } })],
    ['guard', 'it was told to end, and ended well', run({ guard: { ended: ENDED } })],
    [
      'guard',
      'a job of it was ended',
      run({ ending: { status: 2 }, guard: { ended: { ...ENDED, whole: false } } }),
    ],
    [
      'user-signal',
      'a job was ended, and then came Ctrl-C',
      run({
        ending: { signal: 'SIGINT' },
        received: [{ signal: 'SIGINT', fromTerminal: true }],
        guard: { ended: { ...ENDED, whole: false } },
      }),
    ],
    ['finished', 'the guard only froze it', run({ guard: { frozenMs: 12_000 } })],
  ])('%s: %s', (id, _, evidence) => {
    expect(judge(evidence)).toBe(id);
  });
});

describe('adviseChange', () => {
  it('gives half as much memory again where the machine has it', () => {
    expect(adviseChange('memory-max', run())).toEqual({
      kind: 'property',
      property: 'MemoryMax',
      value: '6144M',
    });
    expect(adviseChange('memory-max', run({ limits: { MemoryMax: '8G' } }))).toMatchObject({
      value: '12G',
    });
  });

  it.each([
    [['make', '-j8'], 4],
    [['make', '-j', '7'], 3],
    [['ninja', '--jobs=2'], 1],
  ])('asks for fewer jobs where it has not: %j', (command, jobs) => {
    const evidence = run({ command, limits: { MemoryMax: '12G' } });
    expect(adviseChange('memory-max', evidence)).toEqual({ kind: 'jobs', jobs });
  });

  it('has no number to give for one job that needs more than the machine', () => {
    const evidence = run({ limits: { MemoryMax: '12G' } });
    expect(adviseChange('memory-max', evidence)).toBeUndefined();
    expect(wordVerdict('memory-max', evidence).advice).toMatch(/a machine with more memory/);
  });

  it('gives a limit that ends it alone, where the machine ended it', () => {
    const evidence = run({ limits: { MemoryMax: 'infinity' } });
    expect(adviseChange('machine-oom', evidence)).toMatchObject({ value: '13G' });
    expect(
      adviseChange('ancestor-memory-max', run({ limits: {}, measured: { ancestors: above } })),
    ).toMatchObject({ value: '1639M' });
  });

  it('raises what was in the way', () => {
    expect(adviseChange('tasks-max', run())).toMatchObject({ property: 'TasksMax', value: '200' });
    expect(adviseChange('throttled', run())).toMatchObject({ property: 'CPUQuota', value: '300%' });
    expect(adviseChange('stalled', run())).toMatchObject({
      property: 'MemoryHigh',
      value: 'infinity',
    });
  });

  it.each(['finished', 'failed', 'user-signal'] as const)('has nothing to say on %s', (id) => {
    expect(wordVerdict(id, run({ ending: { status: 1 } }))).not.toHaveProperty('advice');
  });
});

describe('renderOutcome', () => {
  const line = (evidence: Evidence) =>
    renderOutcome({ verdict: wordVerdict(judge(evidence), evidence) } as Outcome);

  it('is one short line for a good run', () => {
    const figures = { memoryPeak: 812 * 1024 ** 2, anonPeak: 300 * 1024 ** 2, cpuUsec: 45e6 };
    expect(line(run({ measured: { figures } }))).toBe(
      'rlimit: finished in 10s: peak 812M (anonymous 300M), CPU 45s',
    );
  });

  it('tells of the jobs where there were several', () => {
    const verdict = wordVerdict(judge(run()), run());
    const jobFigures = {
      seen: 212,
      memory: { median: 310 * 1024 ** 2, p90: 1.1 * G, max: 2.4 * G },
      histogram: [],
      concurrency: { most: 6, mean: 4.5 },
      names: { '7': 3, '\x1b[31mcc1plus': 209 },
    };
    const [, ...rest] = renderOutcome({ verdict, jobFigures } as unknown as Outcome).split('\n');
    expect(rest.join('\n')).toBe(
      `rlimit: jobs: 212 seen, 6 at most, median 310M, 90% under 1.1G, most 2.4G
  (\\x1b[31mcc1plus)`,
    );
    const one = { verdict, jobFigures: { ...jobFigures, seen: 1 } } as unknown as Outcome;
    expect(renderOutcome(one).split('\n')).toHaveLength(1);
  });

  it('names the guard, what it saw, and what to change', () => {
    const ended = run({
      ...{ ending: SIGKILL, command: ['make', '-j8'], guard: { ended: ENDED } },
      measured: { figures: { memoryPeak: G } },
    });
    expect(line(ended).replace(/\s+/g, ' ')).toBe(
      "rlimit: ended by rlimit's guard with SIGKILL: 3.1% of memory was available; peak 1.0G; next: -j4",
    );
    expect(wordVerdict('guard', ended).evidence).toContain(
      'the guard of the machine sent SIGKILL: 3.1 % of memory is available',
    );
    const job = { ...ENDED, whole: false, signal: 'SIGTERM' as const, comm: '\x1b[31mcc1plus' };
    const failed = run({ ending: { status: 2 }, guard: { ended: { ...job, reason: 'stall' } } });
    expect(line(failed).replace(/\s+/g, ' ')).toBe(
      "rlimit: ended with status 2 after \\x1b[31mcc1plus was ended by rlimit's guard with SIGTERM: it " +
        'stood still between MemoryHigh and MemoryMax; next: -p MemoryHigh=infinity',
    );
    const gpu = run({ guard: { ended: { ...ENDED, reason: 'gpu' } } });
    expect(line(gpu)).toMatch(
      /^rlimit: ended with status 0, but it was told to end by rlimit's guard/,
    );
    expect(line(gpu)).toContain('CUDA_VISIBLE_DEVICES');
  });

  it('tells for how long the guard froze it and held its jobs back', () => {
    const guard = { frozenMs: 12_000, heldBackMs: 30_000, leastJobs: 1 };
    const verdict = wordVerdict('finished', run({ guard }));
    expect(renderOutcome({ verdict, guard } as unknown as Outcome).split('\n')[1]).toBe(
      'rlimit: guard: frozen for 12s, held to 1 job at a time for 30s',
    );
  });

  it('does not let a process colour the terminal', () => {
    const victim = { comm: '\x1b[31mred', memory: G };
    const text = line(run({ ending: SIGKILL, measured: { events: oomKilled, victim } }));
    expect(text).not.toContain('\x1b');
    expect(text).toContain('red');
  });

  it('stays within 80 columns, and does not part -p from its value', () => {
    const text = line(
      run({
        ending: SIGKILL,
        measured: {
          events: oomKilled,
          victim: { comm: 'coqc', memory: 3.5 * G, exact: true },
          figures: { memoryPeak: 4 * G },
        },
      }),
    );
    expect(text).toMatchInlineSnapshot(`
      "rlimit: killed at its own MemoryMax=4G: coqc at 3.5G; peak 4.0G; next:
        -p MemoryMax=6144M"
    `);
    for (const part of text.split('\n')) expect(part.length).toBeLessThanOrEqual(80);
  });
});
