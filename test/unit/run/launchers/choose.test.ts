import { describe, expect, it } from 'vitest';
import { CannotRunError } from '../../../../src/errors/index.js';
import {
  chooseLauncher,
  diagnoseSystemManager,
  type LauncherFacts,
} from '../../../../src/run/launchers/choose.js';

const no = { message: 'no such thing', why: 'It is not there.', remedy: 'get it' };
const place = { base: '/rlimit', makeRoom: false, ours: true };
const facts = (more: Partial<LauncherFacts> = {}): LauncherFacts => ({
  user: no,
  system: no,
  cgroup: no,
  booted: false,
  ...more,
});

describe('chooseLauncher', () => {
  it.each([
    [{ user: 'here', system: 'here', cgroup: place }, 'user'],
    [{ system: 'here', cgroup: place }, 'system'],
    [{ cgroup: place }, 'cgroup'],
    [{}, 'watched'],
  ] as const)('auto with %j is %s', (more, kind) => {
    expect(chooseLauncher('auto', facts(more)).kind).toBe(kind);
  });

  it('does not fall back to watching where the session can be mended', () => {
    const broken = facts({ booted: true });
    expect(() => chooseLauncher('auto', broken)).toThrow('no such thing');
    expect(chooseLauncher('watched', broken)).toEqual({ kind: 'watched' });
    expect(chooseLauncher('auto', facts({ booted: true, cgroup: place })).kind).toBe('cgroup');
  });

  it('stays in the cgroup of the run that is around', () => {
    const around = { ...place, around: '/rlimit/rlimit-a-1' };
    expect(chooseLauncher('auto', facts({ user: 'here', cgroup: around }))).toEqual({
      kind: 'cgroup',
      place: around,
    });
  });

  it('takes the one that is wanted, where it is to be had', () => {
    const all = facts({ user: 'here', system: 'here', cgroup: place });
    expect(chooseLauncher('cgroup', all)).toEqual({ kind: 'cgroup', place });
    for (const kind of ['user', 'system', 'watched'] as const) {
      expect(chooseLauncher(kind, all)).toEqual({ kind });
    }
  });

  it.each(['user', 'system', 'cgroup'] as const)('says why %s is not, and what is', (kind) => {
    const wanted = () => chooseLauncher(kind, facts());
    expect(wanted).toThrow(CannotRunError);
    expect(wanted).toThrow(`--launcher ${kind} cannot be had here: no such thing`);
    try {
      wanted();
    } catch (error) {
      expect(error).toMatchObject({
        why: 'It is not there. Possible here: watched.',
        remedy: 'get it',
      });
    }
  });
});

describe('diagnoseSystemManager', () => {
  const booted = { booted: true, usualDirectory: false, managerSocket: false };
  it('is for root on a system of systemd', () => {
    expect(diagnoseSystemManager({ ...booted, uid: 0 })).toBeUndefined();
    expect(diagnoseSystemManager({ ...booted, uid: 1 })?.message).toContain('only root');
    const container = { ...booted, booted: false, uid: 0, init: 'sh' };
    expect(diagnoseSystemManager(container)?.why).toContain('PID 1 is sh');
  });
});
