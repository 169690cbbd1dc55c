import { describe, expect, it } from 'vitest';
import type { GuardDeed } from '../../../src/model/index.js';
import { type Guarded, guardTouch } from '../../../src/verdict/index.js';

const TOP = '/user.slice/app-rlimit-a.slice';
const SCOPE = `${TOP}/rlimit-a.scope`;
const RUN: Guarded = { cgroup: TOP, pid: 7, hasJobserver: true, begunMs: 1000, endedMs: 60_000 };

const deed = (kind: GuardDeed['kind'], atMs: number, more: Partial<GuardDeed> = {}): GuardDeed => ({
  ...{ kind, atMs, time: 0, unit: 'rlimit-a.scope', cgroup: SCOPE, why: 'short', ...more },
});
const touch = (deeds: GuardDeed[], run: Partial<Guarded> = {}) =>
  guardTouch([{ of: 'machine', deeds }], { ...RUN, ...run });

describe('what a guard did to a run', () => {
  it('is who ended it, the last time', () => {
    const deeds = [
      deed('term', 5000, { signal: 'SIGTERM' }),
      deed('kill', 9000, { signal: 'SIGKILL', available: 2.9 }),
    ];
    expect(touch(deeds)?.ended).toEqual({
      ...{ of: 'machine', whole: true, signal: 'SIGKILL', reason: 'memory' },
      ...{ available: 2.9, why: 'short' },
    });
    const process = { pid: 9, startTicks: 1, comm: 'cc1plus' };
    const { unit: _, ...one } = deed('term', 5000, { signal: 'SIGTERM', process });
    expect(touch([one])?.ended).toMatchObject({ whole: false, comm: 'cc1plus' });
    expect(touch([deed('livelock', 5000, { how: 'kill' })])?.ended).toMatchObject({
      ...{ whole: false, reason: 'stall', signal: 'SIGKILL' },
    });
    expect(touch([deed('livelock', 5000, { how: 'raise' })])).toEqual({ raised: true });
  });

  it('is nothing of other runs, of other times, and of what is only like it', () => {
    const end = (more: Partial<GuardDeed>) => deed('kill', 5000, more);
    expect(touch([end({ cgroup: `${TOP}b/x.scope` })])).toBeUndefined();
    expect(touch([end({ cgroup: '/user.slice' })])?.ended).toBeDefined();
    expect(touch([deed('kill', 500), deed('kill', 62_000)])).toBeUndefined();
    const { cgroup: __, ...noCgroup } = end({ process: { pid: 7, startTicks: 1, comm: 'x' } });
    expect(touch([noCgroup])).toBeUndefined();
    const watched: Guarded = { ...RUN };
    delete watched.cgroup;
    const all = [{ of: 'user' as const, deeds: [noCgroup] }];
    expect(guardTouch(all, watched)?.ended).toMatchObject({ of: 'user' });
    expect(guardTouch(all, { ...watched, pid: 8 })).toBeUndefined();
  });

  it('is for how long it stood still', () => {
    const deeds = [deed('freeze', 2000), deed('thaw', 14_000), deed('freeze', 50_000)];
    expect(touch(deeds)).toEqual({ frozenMs: 22_000 });
  });

  it('is for how long it had fewer jobs, where it gives jobs tokens', () => {
    const tokens = (atMs: number, most?: number): GuardDeed => ({
      ...{ kind: 'tokens', atMs, time: 0, why: '' },
      ...(most === undefined ? {} : { most }),
    });
    const deeds = [tokens(100, 4), tokens(3000, 0), tokens(11_000), tokens(90_000, 0)];
    expect(touch(deeds)).toEqual({ heldBackMs: 10_000, leastJobs: 1 });
    expect(touch(deeds, { hasJobserver: false })).toBeUndefined();
    expect(touch([tokens(100, 4), tokens(500)])).toBeUndefined();
  });
});
