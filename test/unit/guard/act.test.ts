import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import process_ from 'node:process';
import { describe, expect, it } from 'vitest';
import { Actor } from '../../../src/guard/act/actor.js';
import type { Ran } from '../../../src/guard/act/program.js';
import { initialState } from '../../../src/guard/decide/types.js';
import { DeedBook } from '../../../src/guard/deeds.js';
import type { GuardEvent } from '../../../src/guard/events.js';
import { Guard } from '../../../src/guard/guard.js';
import { Journal, readJournal } from '../../../src/guard/journal.js';
import { takeGuardLock } from '../../../src/guard/lock.js';
import { depthOf, pauseMs, sampleEveryMs } from '../../../src/guard/pace.js';
import { readScene } from '../../../src/guard/scene.js';
import { DEFAULT_SETTINGS } from '../../../src/guard/settings/settings.js';
import { CapReader } from '../../../src/jobserver/cap.js';
import { procFiles, tree } from '../cgroup/tree.js';
import { cgroupOf, GiB, machine, process, run, SCENE } from './world.js';

const SCOPE = cgroupOf('rlimit-coq-standard-1.scope');
const HOG = { pid: 2000, startTicks: 3000, comm: 'hog' };

/** A /proc and a cgroup tree with a hog in a run, and what is sent and asked of programs. */
function desk(answers: (argv: readonly string[]) => Partial<Ran> = () => ({ status: 0 })) {
  const root = tree({
    ...procFiles(2000, { comm: 'hog', startTicks: 3000, cgroup: SCOPE }),
    ...procFiles(2001, { comm: 'vim', startTicks: 3001, cgroup: '/old.scope' }),
    'proc/2000/oom_score_adj': '0\n',
    [`sys${SCOPE}/cgroup.procs`]: '2000\n',
    [`sys${SCOPE}/cgroup.kill`]: '',
    [`sys${SCOPE}/cgroup.freeze`]: '0',
    'sys/old.scope/cgroup.procs': '',
  });
  const sent: string[] = [];
  const asked: string[][] = [];
  const actor = new Actor({
    ...{ directory: root, uid: 0, root: `${root}/sys`, proc: `${root}/proc`, now: () => 5000 },
    kill: (pid, signal) => sent.push(`${pid} ${signal}`),
    run: async (argv) => {
      asked.push([...argv]);
      return { stdout: '', stderr: '', ...answers(argv) };
    },
  });
  const read = (path: string) => readFileSync(`${root}/${path}`, 'utf8');
  return { root, sent, asked, actor, read };
}

describe('ending', () => {
  const end = { do: 'end' as const, memory: 1, why: '' };

  it('signals the process that was meant, and wakes it for SIGTERM', () => {
    const { actor, sent } = desk();
    expect(actor.swift({ ...end, process: HOG, signal: 'SIGTERM' })).toBe('done');
    expect(actor.swift({ ...end, process: HOG, signal: 'SIGKILL' })).toBe('done');
    expect(sent).toEqual(['2000 SIGTERM', '2000 SIGCONT', '2000 SIGKILL']);
  });

  it('takes one that has gone, or whose PID is another’s by now, for no error', () => {
    const { actor, sent } = desk();
    const later = { ...HOG, startTicks: 3999 };
    expect(actor.swift({ ...end, process: later, signal: 'SIGKILL' })).toBe('gone');
    const none = { ...HOG, pid: 2999 };
    expect(actor.swift({ ...end, process: none, signal: 'SIGKILL' })).toBe('gone');
    expect(sent).toEqual([]);
  });

  it('ends a run in one step, or asks each of its processes', () => {
    const { actor, sent, read } = desk();
    const unit = { do: 'endUnit' as const, unit: 'a.scope', cgroup: SCOPE, memory: 1, why: '' };
    expect(actor.swift({ ...unit, signal: 'SIGTERM' })).toBe('done');
    expect(sent).toEqual(['2000 SIGTERM', '2000 SIGCONT']);
    expect(actor.swift({ ...unit, signal: 'SIGKILL' })).toBe('done');
    expect(read(`sys${SCOPE}/cgroup.kill`)).toBe('1');
    expect(actor.swift({ ...unit, cgroup: '/none', signal: 'SIGKILL' })).toBe('gone');
  });
});

describe('scores', () => {
  const change = { process: HOG, why: '' };

  it('are set and put back, unless somebody else has set them meanwhile', () => {
    const { actor, root, read } = desk();
    expect(actor.swift({ do: 'adjust', ...change, from: 0, to: 700 })).toBe('done');
    expect(read('proc/2000/oom_score_adj')).toBe('700');
    writeFileSync(`${root}/proc/2000/oom_score_adj`, '900');
    expect(actor.swift({ do: 'restore', ...change, from: 700, to: 0 })).toEqual({
      failed: 'somebody has set it to 900 meanwhile',
    });
    expect(read('proc/2000/oom_score_adj')).toBe('900');
  });
});

describe('freezing', () => {
  it('writes what the kernel reads, and a run that has gone is no error', () => {
    const { actor, read } = desk();
    const step = { unit: 'a.scope', cgroup: SCOPE, why: '' };
    expect(actor.swift({ do: 'freeze', seconds: 60, ...step })).toBe('done');
    expect(read(`sys${SCOPE}/cgroup.freeze`)).toBe('1');
    expect(actor.swift({ do: 'thaw', ...step })).toBe('done');
    expect(read(`sys${SCOPE}/cgroup.freeze`)).toBe('0');
    expect(actor.swift({ do: 'thaw', ...step, cgroup: '/none' })).toBe('gone');
  });
});

describe('the cap on tokens', () => {
  it('reaches jobservers, and ends by itself or when it is lifted', () => {
    const { actor, root } = desk();
    const reader = (now: number) =>
      new CapReader({ records: '/nowhere', system: root, now: () => now }).most();
    expect(reader(5000)).toBeUndefined();
    expect(actor.swift({ do: 'tokens', most: 2, why: '' })).toBe('done');
    expect([reader(5000), reader(19_999), reader(20_001)]).toEqual([2, 2, undefined]);
    expect(actor.swift({ do: 'tokens', why: '' })).toBe('done');
    expect(reader(5000)).toBeUndefined();
  });

  it('of somebody else, or of nonsense, is none', () => {
    const { root } = desk();
    for (const text of ['{"most":"2","untilMs":9e9}', 'x', '[]']) {
      writeFileSync(`${root}/tokens.json`, text);
      expect(new CapReader({ records: '/nowhere', system: root }).most()).toBeUndefined();
    }
  });
});

describe('the protected slice', () => {
  const protect = {
    do: 'protect' as const,
    process: { pid: 2001, startTicks: 3001, comm: 'vim' },
    from: '/old.scope',
    why: '',
  };
  const SLICE = '/oom_protector.slice';

  it('is set up, filled by the manager, emptied and taken away', async () => {
    const desk_ = desk((argv) => {
      if (argv.includes('AttachProcessesToUnit')) return { status: 1, stderr: 'no such unit' };
      if (!argv.includes('StartTransientUnit')) return { status: 0 };
      writeFileSync(
        `${desk_.root}/proc/2001/cgroup`,
        `0::${SLICE}/oom_protector-processes.scope\n`,
      );
      return { status: 0 };
    });
    const { actor, asked, read } = desk_;
    expect(await actor.setSlice(DEFAULT_SETTINGS.cgroup_settings)).toBe('done');
    expect(asked[0]?.slice(1)).toEqual([
      ...['--system', 'set-property', '--runtime', '--no-ask-password', '--'],
      ...['oom_protector.slice', 'MemoryLow=209715200', 'CPUWeight=150', 'IOWeight=150'],
    ]);
    expect(await actor.slow([protect])).toEqual(['done']);
    expect(asked.at(-1)).toEqual(
      expect.arrayContaining(['--system', 'StartTransientUnit', '2001']),
    );
    expect(actor.swift({ ...protect, do: 'unprotect', to: '/old.scope' })).toBe('done');
    expect(read('sys/old.scope/cgroup.procs')).toBe('2001');
    asked.length = 0;
    await actor.removeSlice();
    expect(asked.map((argv) => argv[2])).toEqual(['set-property', 'revert', 'stop']);
    expect(asked[0]).toContain('MemoryLow=0');
  });

  it('is not stopped while somebody is in it, whom that would end', async () => {
    const { actor, asked, root } = desk();
    mkdirSync(`${root}/sys${SLICE}`, { recursive: true });
    writeFileSync(`${root}/sys${SLICE}/cgroup.events`, 'populated 1\nfrozen 0\n');
    await actor.removeSlice('oom_protector.slice');
    expect(asked.map((argv) => argv[2])).toEqual(['set-property', 'revert']);
  });

  it('says what the kernel does not hold', async () => {
    const { actor, root } = desk();
    await actor.setSlice(DEFAULT_SETTINGS.cgroup_settings);
    const cgroup = `${SLICE}/oom_protector-processes.scope`;
    writeFileSync(`${root}/proc/2001/cgroup`, `0::${cgroup}\n`);
    mkdirSync(`${root}/sys${SLICE}`, { recursive: true });
    writeFileSync(`${root}/sys${SLICE}/memory.low`, '0\n');
    writeFileSync(`${root}/sys${SLICE}/cpu.weight`, '150\n');
    const found = actor.verifySlice(protect).map(({ property }) => property);
    expect(found).toEqual(['MemoryLow', 'IOWeight']);
  });

  it('takes nobody who is elsewhere by now, and tells what the manager has against it', async () => {
    const { actor, asked } = desk(() => ({ status: 1, stderr: 'Call failed: no\nmore' }));
    await actor.setSlice(DEFAULT_SETTINGS.cgroup_settings);
    expect(await actor.slow([{ ...protect, from: '/another.scope' }])).toEqual(['gone']);
    expect(asked).toHaveLength(1);
    expect(await actor.slow([protect])).toEqual([{ failed: 'systemd said: Call failed: no' }]);
  });

  it('is not left where the old place has gone', () => {
    const { actor, root } = desk();
    void actor.setSlice(DEFAULT_SETTINGS.cgroup_settings);
    writeFileSync(`${root}/proc/2001/cgroup`, `0::${SLICE}/oom_protector-processes.scope\n`);
    expect(actor.swift({ ...protect, do: 'unprotect', to: '/gone.scope' })).toEqual({
      failed: expect.stringContaining('/gone.scope is no longer there'),
    });
  });
});

describe('a guard', () => {
  function guard(desk_ = desk()) {
    const events: GuardEvent[] = [];
    const state = initialState(SCENE);
    const who = { pid: 900, startTicks: 1900, uid: process_.geteuid?.() ?? 0 };
    const deeds = new DeedBook(desk_.root, who, { atMs: () => 5, time: () => 7 });
    const journal = new Journal(desk_.root, {
      guard: who,
      started: 1,
      state,
    });
    const { actor } = desk_;
    const tell = (event: GuardEvent) => events.push(event);
    return {
      ...desk_,
      events,
      deeds,
      guard: new Guard({
        actor,
        journal,
        deeds,
        settings: DEFAULT_SETTINGS,
        state,
        time: () => 7,
        tell,
      }),
    };
  }
  const hog = process(2000, 'hog', 9 * GiB, { cgroup: SCOPE });

  it('has written down what it changes, and clears up behind itself', async () => {
    const { guard: it_, root, read, events } = guard();
    it_.step(machine(0, 7, [hog], { units: [run('1', 9 * GiB)] }));
    expect(readJournal(root)?.state).toMatchObject({
      frozen: [{ cgroup: SCOPE }],
      adjusted: { '2000:3000': { from: 0, to: 700 } },
    });
    expect(read('proc/2000/oom_score_adj')).toBe('700');
    await it_.end();
    expect(read('proc/2000/oom_score_adj')).toBe('0');
    expect(read(`sys${SCOPE}/cgroup.freeze`)).toBe('0');
    expect(readJournal(root)).toBeUndefined();
    expect(events.map((event) => event.event)).toContain('ended');
  });

  it('does not try again what cannot be done', async () => {
    const desk_ = desk(() => ({ status: 1, stderr: 'no' }));
    const { guard: it_, events } = guard(desk_);
    const vim = process(2001, 'vim', 1, { cgroup: '/old.scope' });
    await it_.begin();
    it_.step(machine(0, 60, [vim]));
    await new Promise((resolve) => setTimeout(resolve, 20));
    it_.step(machine(1000, 60, [vim]));
    const tried = events.filter((event) => event.event === 'action');
    expect(tried).toMatchObject([{ result: 'failed' }]);
    expect(it_.state.protected).toEqual({});
  });
});

describe('what a guard has left', () => {
  it('is not believed where it makes no sense', () => {
    const root = tree({ 'state.json': '{"version":1,"guard":{}}' });
    expect(readJournal(root)).toBeUndefined();
    expect(readJournal('/nowhere')).toBeUndefined();
  });

  it('is one guard’s alone', () => {
    const root = tree({});
    const first = takeGuardLock(root);
    expect(takeGuardLock(root)).toEqual({});
    if ('release' in first) first.release();
    const again = takeGuardLock(root);
    expect(again).toHaveProperty('release');
    if ('release' in again) again.release();
  });
});

describe('the pace', () => {
  const at = (percent: number) => ({
    ...{ total: 16 * GiB, available: (16 * GiB * percent) / 100 },
    ...{ swapTotal: 0, swapFree: 0 },
  });

  it('quickens as memory gets low', () => {
    const paces = [90, 20, 10, 8, 1].map((percent) => pauseMs(at(percent), DEFAULT_SETTINGS));
    expect(paces).toEqual([1000, 344, 57, 50, 50]);
    const depths = [40, 15, 9, 8, 5, 1].map((percent) => depthOf(at(percent), DEFAULT_SETTINGS));
    expect(depths).toEqual([0, 1, 2, 3, 4, 5]);
    const every = (percent: number, costMs = 5) =>
      sampleEveryMs(at(percent), { settings: DEFAULT_SETTINGS, costMs });
    expect([every(60), every(29), every(6)]).toEqual([3000, 1000, 1000]);
    expect([every(5), every(5, 30), every(5, 900)]).toEqual([100, 300, 1000]);
  });
});

describe('the scene', () => {
  it('knows administrators by their groups', () => {
    const root = tree({
      'etc/group': 'root:x:0:\nsudo:x:27:ann,ben\nwheel:x:10:cid\nother:x:11:dan\n',
      'etc/passwd': 'ann:x:1000:1000::/:/bin/sh\ncid:x:1002:1::/:/bin/sh\ndan:x:1003:1::/:\n',
    });
    expect(readScene({ self: 5, uid: 1003, root })).toEqual({
      ...{ self: 5, uid: 1003, admins: [0, 1000, 1002, 1003] },
    });
    expect(readScene({ self: 5, uid: 0, root: '/nowhere' }).admins).toEqual([0]);
  });
});
