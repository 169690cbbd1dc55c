import { describe, expect, it } from 'vitest';
import { GuardKills, guardSamples } from '../../../src/alerts/guards.js';
import { AlertRules } from '../../../src/alerts/index.js';
import type { GuardDeed, GuardSample } from '../../../src/model/index.js';
import type { KeptDeeds } from '../../../src/state/guard-deeds.js';
import { procFiles, tree } from '../cgroup/tree.js';
import { machineSample } from '../sampler/sampled.js';

const GiB = 1024 ** 3;
const deed = (kind: GuardDeed['kind'], atMs: number, more: Partial<GuardDeed> = {}): GuardDeed => ({
  ...{ kind, atMs, time: atMs, why: '', ...more },
});
const kept = (more: Partial<KeptDeeds> = {}): KeptDeeds => ({
  ...{ version: 1, of: 'machine', guard: { pid: 900, startTicks: 77, uid: 0 } },
  ...{ tells: true, done: { warn: 1 }, failed: {}, deeds: [deed('warn', 500)] },
  ...more,
});

describe('the guards of a sample', () => {
  it('are those that run, and those that have ended', () => {
    const proc = `${tree(procFiles(900, { comm: 'node', startTicks: 77, cgroup: '/' }))}/proc`;
    const [running] = guardSamples([kept()], 0, proc);
    expect(running).toMatchObject({ running: true, tells: true, warnedMs: 500 });
    // Root's alerts are not where a user's are.
    expect(guardSamples([kept()], 1000, proc)).toMatchObject([{ running: true, tells: false }]);
    expect(guardSamples([kept()], 0, '/nowhere')).toMatchObject([{ running: false, tells: false }]);
  });
});

describe('whom a guard ended', () => {
  const deeds = [
    deed('term', 2000, { unit: 'a.scope', memory: 5 }),
    deed('kill', 6000, { unit: 'a.scope', memory: 5 }),
    deed('kill', 7000, { process: { pid: 7, startTicks: 1, comm: 'hog' } }),
    deed('freeze', 8000, { unit: 'b.scope' }),
  ];

  it('is told by a watch once, where the guard does not tell it there itself', () => {
    const kills = new GuardKills(() => [kept({ deeds })], 1000);
    expect(kills.read(1000)).toEqual([]);
    const read = kills.read(10_000);
    expect(read).toEqual([
      { by: 'guard', unit: 'a.scope', memory: 5, time: 2000 },
      { by: 'guard', pid: 7, comm: 'hog', time: 7000 },
    ]);
    expect(kills.read(20_000)).toEqual([]);
    const own = new GuardKills(() => [kept({ deeds })], 0);
    own.read(1000);
    expect(own.read(10_000)).toEqual([]);

    const { raised } = new AlertRules().see(machineSample({ time: 9 }), read);
    const killed = raised.filter(({ rule }) => rule === 'killed');
    expect(killed.map(({ says }) => says)).toEqual([
      "1 process in a.scope was ended for lack of memory by rlimit's guard",
      "hog (PID 7) was ended for lack of memory by rlimit's guard",
    ]);
  });
});

describe('a shortage that a guard has warned of', () => {
  const at = (atMs: number, available: number, guards: GuardSample[]) =>
    machineSample({
      ...{ atMs, disks: [], gpus: [], units: [], processes: [], guards },
      memory: { total: 100 * GiB, available: available * GiB, swapTotal: 0, swapFree: 0 },
    });
  const guard = (tells: boolean): GuardSample => ({
    ...{ of: 'machine', running: true, tells, done: {}, failed: {}, warnedMs: 900 },
  });
  const rulesOf = (sample: ReturnType<typeof at>, rules = new AlertRules()) =>
    rules.see(sample).raised.map(({ rule, severity }) => `${rule} ${severity}`);

  it('is not told again in the same places, unless it becomes critical', () => {
    const rules = new AlertRules();
    expect(rulesOf(at(1000, 14, [guard(true)]), rules)).toEqual([]);
    expect(rulesOf(at(2000, 14, [guard(true)]), rules)).toEqual([]);
    expect(rulesOf(at(3000, 9, [guard(true)]), rules)).toEqual(['memory CRITICAL']);
  });

  it('is told where the guard’s word does not come', () => {
    expect(rulesOf(at(1000, 14, [guard(false)]))).toEqual(['memory WARNING']);
    expect(rulesOf(at(1000, 14, []))).toEqual(['memory WARNING']);
    expect(rulesOf(at(3_600_000, 14, [guard(true)]))).toEqual(['memory WARNING']);
  });
});
