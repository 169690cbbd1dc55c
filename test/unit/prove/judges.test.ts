import { describe, expect, it } from 'vitest';
import type { Finding, TroubleId } from '../../../src/model/index.js';
import { judgeEarlyoom, judgeOomd, type OomdSeen } from '../../../src/prove/judges/daemons.js';
import {
  judgeBystander,
  judgePolicies,
  judgeStall,
  type SiblingSeen,
} from '../../../src/prove/judges/living.js';
import {
  isSettled,
  judgeCpus,
  judgeForks,
  judgeQuota,
  judgeWeight,
} from '../../../src/prove/judges/machine.js';
import { judgeBalloon, judgeSwap } from '../../../src/prove/judges/memory.js';

const MIB = 1024 ** 2;

function finding(
  id: TroubleId,
  property: string,
  severity: Finding['severity'] = 'problem',
): Finding {
  return { id, severity, property, cause: 'some cause' };
}

describe('memory-max', () => {
  const killed = {
    limit: 32 * MIB,
    size: 64 * MIB,
    oomKills: 1,
    oom: 1,
    peak: 32 * MIB + 8192,
    ownSwap: 0,
    swappedOut: 0,
    findings: [],
  };

  it('holds when it is killed there, of its own cgroup, with the swap flat', () => {
    expect(judgeBalloon(killed)).toEqual({
      verdict: 'held',
      measured: '1 killed at 32M, peak 32.01M, oom 1 in its own memory.events, machine’s swap flat',
      findings: [],
    });
    const logged = judgeBalloon({ ...killed, constraint: 'CONSTRAINT_MEMCG' });
    expect(logged.measured).toContain('CONSTRAINT_MEMCG');
  });

  it('holds though others on the machine swap meanwhile, and that is told', () => {
    const { verdict, measured } = judgeBalloon({ ...killed, swappedOut: 5 * MIB });
    expect(verdict).toBe('held');
    expect(measured).toContain('machine’s swap +5M');
  });

  it.each([
    ['nobody is killed', { oomKills: 0, oom: 0, status: 0 }],
    ['it is killed elsewhere', { oom: 0 }],
    ['the log says so', { constraint: 'CONSTRAINT_NONE' }],
    ['it got beyond', { peak: 40 * MIB }],
    ['it went to swap', { ownSwap: 4096 }],
  ])('fails when %s', (_, seen) => {
    const { verdict, findings } = judgeBalloon({ ...killed, ...seen });
    expect(verdict).toBe('failed');
    expect(findings).toMatchObject([{ id: 'limit-not-enforced', property: 'MemoryMax' }]);
  });

  it('fails with the reason where the kernel holds another value, even if it went well', () => {
    const findings = [finding('kernel-differs', 'MemoryMax')];
    const seen = { ...killed, findings: [...findings, finding('ancestor-tighter', 'TasksMax')] };
    expect(judgeBalloon(seen)).toMatchObject({ verdict: 'failed', findings });
  });

  it('is inert without the controller', () => {
    const findings = [finding('controller-not-delegated', 'MemoryMax')];
    const seen = { ...killed, oomKills: 0, oom: 0, status: 0, findings };
    expect(judgeBalloon(seen)).toMatchObject({ verdict: 'inert', findings });
  });

  it('is not judged where the program failed by itself', () => {
    const { verdict } = judgeBalloon({ ...killed, oomKills: 0, oom: 0, status: 127 });
    expect(verdict).toBe('refused');
  });

  it('MemorySwapMax: only another one that swaps shows anything', () => {
    const swap = 512 * MIB;
    const limited = killed;
    expect(judgeSwap({ swap: 0, limited }).verdict).toBe('not-applicable');
    expect(judgeSwap({ swap, limited, controlSwap: 30 * MIB })).toMatchObject({
      verdict: 'held',
      measured: '0K in swap, killed at MemoryMax, 30M in swap without it',
    });
    expect(judgeSwap({ swap, limited, controlSwap: 0 }).verdict).toBe('refused');
    expect(judgeSwap({ swap, limited }).verdict).toBe('refused');
    const swapped = { ...limited, ownSwap: 8192, oomKills: 0 };
    expect(judgeSwap({ swap, limited: swapped, controlSwap: MIB }).verdict).toBe('failed');
  });
});

describe('cpu-quota', () => {
  const at = (rate: number, throttled = 20, findings: Finding[] = []) => ({
    quota: 200_000,
    usedUsec: rate * 2_000_000,
    elapsedUsec: 2_000_000,
    throttled,
    findings,
  });

  it.each([
    [0.2, 'held'],
    [0.191, 'held'],
    [0.209, 'held'],
    [0.215, 'failed'],
    [1, 'failed'],
    [0.18, 'refused'],
    [0, 'refused'],
  ])('%s of a CPU under a quota of 0.2: %s', (rate, verdict) => {
    expect(judgeQuota(at(rate)).verdict).toBe(verdict);
  });

  it('that was never needed is not shown', () => {
    expect(judgeQuota(at(0.2, 0)).verdict).toBe('failed');
  });

  it('is inert without the controller, and a tighter one above is named', () => {
    const inert = [finding('controller-not-delegated', 'CPUQuota')];
    expect(judgeQuota(at(1, 0, inert))).toMatchObject({ verdict: 'inert', findings: inert });
    const above = [finding('ancestor-tighter', 'CPUQuota', 'warning')];
    expect(judgeQuota(at(0.1, 20, above)).measured).toContain('some cause');
  });

  it('is measured on only while that could change the verdict', () => {
    expect(isSettled(at(0.2))).toBe(true);
    expect(isSettled(at(1))).toBe(true);
    expect(isSettled(at(0.18))).toBe(false);
    expect(isSettled({ ...at(0), elapsedUsec: 0 })).toBe(false);
  });
});

describe('tasks-max', () => {
  const seen = { limit: 20, started: 13, error: 'EAGAIN', refusals: 1, tasks: 20, findings: [] };

  it.each([
    [{}, 'held'],
    [{ error: 'none', refusals: 0, started: 40, tasks: 47 }, 'failed'],
    [{ refusals: 0 }, 'failed'],
    [{ tasks: 21 }, 'failed'],
    [{ error: 'ENOENT' }, 'failed'],
  ])('%o: %s', (changes, verdict) => {
    expect(judgeForks({ ...seen, ...changes }).verdict).toBe(verdict);
  });
});

describe('allowed-cpus and io-weight', () => {
  it('the kernel’s list is what counts', () => {
    const seen = { ours: [0, 1], wanted: [1], findings: [] };
    expect(judgeCpus({ ...seen, allowed: [1] }).verdict).toBe('held');
    expect(judgeCpus({ ...seen, allowed: [0, 1] }).verdict).toBe('failed');
    expect(judgeCpus({ ...seen, ours: [1], allowed: [1] }).verdict).toBe('not-applicable');
    const findings = [finding('controller-not-delegated', 'AllowedCPUs', 'warning')];
    expect(judgeCpus({ ...seen, allowed: [0, 1], findings }).verdict).toBe('inert');
  });

  it('a weight counts only where somebody reads it', () => {
    const held = { wanted: 50, held: 'default 50', findings: [] };
    expect(judgeWeight({ ...held, honoured: true }).verdict).toBe('held');
    const unread = [finding('io-weight-without-scheduler', 'IOWeight', 'warning')];
    expect(judgeWeight({ ...held, honoured: false, findings: unread }).verdict).toBe('inert');
    expect(judgeWeight(held).verdict).toBe('refused');
  });
});

describe('bystanders', () => {
  const before = { count: 10, median: 60, longest: 90 };

  it.each([
    [{ longest: 300 }, 1, 5, 'held'],
    [{ longest: 3000 }, 1, 5, 'failed'],
    [{ longest: 70 }, 1, 0, 'failed'],
    [{ longest: 70 }, 0, 5, 'failed'],
  ])('outside: %o, %i killed, %i beats after it: %s', (longest, oomKills, beatsAfter, verdict) => {
    const during = { ...before, ...longest };
    expect(judgeBystander({ before, during, oomKills, beatsAfter, findings: [] }).verdict).toBe(
      verdict,
    );
  });

  const stall = {
    before,
    during: { count: 2, median: 4000, longest: 4000 },
    after: { count: 10, median: 60, longest: 90 },
    recoveredMs: 1200,
    high: 400,
    oomKills: 0,
    waiting: 0.82,
    findings: [],
  };

  it('inside, over MemoryHigh: stalled and set free again', () => {
    expect(judgeStall(stall)).toEqual({
      verdict: 'held',
      measured:
        'bystander inside: a beat every 60 ms, then none for 4.0 s; high 400, oom_kill 0; ' +
        'all waited 82% of the time; lifted: a beat after 1.2 s, then every 60 ms',
      findings: [],
    });
  });

  it.each([
    ['it did not stall', { during: before }],
    ['the kernel counted nothing', { high: 0 }],
    ['it was killed instead', { oomKills: 1 }],
    ['it could not be lifted', { notLifted: 'not lifted: no permission' }],
    ['it stayed slow', { after: { count: 5, median: 2000, longest: 2000 } }],
  ])('inside: fails when %s', (_, changes) => {
    expect(judgeStall({ ...stall, ...changes }).verdict).toBe('failed');
  });

  it('inside: fails when it does not come back', () => {
    const { recoveredMs: _, ...lost } = stall;
    expect(judgeStall(lost)).toMatchObject({
      verdict: 'failed',
      measured: expect.stringContaining('lifted: no beat came'),
    });
  });
});

describe('oom-policy', () => {
  const lives: SiblingSeen = {
    policy: 'continue',
    oomKills: 1,
    beatsAfter: 10,
    empty: false,
    findings: [],
  };
  const dies: SiblingSeen = { ...lives, policy: 'kill', oomKills: 4, beatsAfter: 0, empty: true };

  it.each([
    [[lives, dies], 'held'],
    [[{ ...lives, empty: true, beatsAfter: 0 }, dies], 'failed'],
    [[lives, { ...dies, empty: false }], 'failed'],
    // systemd ended the rest, and not the kernel at once.
    [[lives, { ...dies, oomKills: 1 }], 'failed'],
    [[{ ...lives, oomKills: 0 }, dies], 'refused'],
  ] as [SiblingSeen[], string][])('case %#', (seen, verdict) => {
    expect(judgePolicies(seen).verdict).toBe(verdict);
  });

  it('that cannot be told is observed', () => {
    const findings = [finding('systemd-too-old', 'OOMPolicy', 'warning')];
    const { policy: _, ...untold } = { ...dies, oomKills: 1, findings };
    expect(judgePolicies([untold])).toMatchObject({
      verdict: 'not-applicable',
      measured: expect.stringContaining('observed: stop'),
      findings,
    });
  });
});

describe('systemd-oomd', () => {
  const seen: OomdSeen = {
    state: 'running',
    reclaiming: { forMs: 4000, killed: true, pgscan: 90_000 },
    swapless: { forMs: 6000, killed: false, pgscan: 0 },
  };

  it('acts on reclaim, and is blind without it', () => {
    expect(judgeOomd(seen)).toMatchObject({
      verdict: 'held',
      measured:
        'reclaiming: ended after 4.0 s (pgscan 90000); ' +
        'MemoryHigh without swap: left alone for 6.0 s (pgscan 0)',
      findings: [{ id: 'oomd-with-swap-zero', severity: 'warning' }],
    });
    const both = { ...seen, swapless: { forMs: 3000, killed: true } };
    expect(judgeOomd(both)).toMatchObject({ verdict: 'held', findings: [] });
  });

  it('that leaves what reclaims alone fails', () => {
    const idle = { ...seen, reclaiming: { forMs: 20_000, killed: false } };
    expect(judgeOomd(idle)).toMatchObject({
      verdict: 'failed',
      findings: [{ id: 'oom-daemon-did-not-act' }],
    });
  });

  it('is left out where it is not there, or would take too long', () => {
    expect(judgeOomd({ state: 'absent' }).verdict).toBe('not-applicable');
    expect(judgeOomd({ state: 'stopped' }).verdict).toBe('not-applicable');
    expect(judgeOomd({ state: 'running', tooLong: 30 })).toMatchObject({
      verdict: 'not-applicable',
      measured: expect.stringContaining('--only systemd-oomd'),
    });
  });
});

describe('earlyoom', () => {
  const victim = { signal: 'SIGTERM', comm: 'dd', pid: 7 };

  it('holds where it runs and would fire', () => {
    expect(judgeEarlyoom({ installed: true, running: ['-m', '5'], victim })).toEqual({
      verdict: 'held',
      measured: 'runs with -m 5; a dry run at 99% free memory would end dd (7, SIGTERM)',
      findings: [],
    });
  });

  it.each([
    [{ installed: false }, 'not-applicable'],
    [{ installed: true, victim }, 'not-applicable'],
    [{ installed: true, running: [] }, 'failed'],
    [{ installed: true, running: [], available: 99.4 }, 'not-applicable'],
    [{ installed: true, running: [], failure: 'fatal' }, 'refused'],
  ])('%o: %s', (seen, verdict) => {
    expect(judgeEarlyoom(seen).verdict).toBe(verdict);
  });
});
