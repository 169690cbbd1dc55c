import { describe, expect, it } from 'vitest';
import { UnavailableError, UsageError } from '../../../src/errors/index.js';
import { kill } from '../../../src/kill/index.js';
import { parseSignal } from '../../../src/kill/signal.js';
import { namedTargets, ourScopes } from '../../../src/kill/targets.js';
import { tree } from '../cgroup/tree.js';

const found = (unit: string, cgroup = `/user.slice/${unit}`) => ({
  manager: 'user' as const,
  shown: { Id: unit, ControlGroup: cgroup },
});

describe('ourScopes', () => {
  it('takes scopes only', async () => {
    const find = async () => [found('rlimit-a-1.scope'), found('x.service'), found('y.scope', '')];
    expect(await ourScopes([], { find })).toEqual([
      {
        unit: 'rlimit-a-1.scope',
        kind: 'scope',
        manager: 'user',
        cgroup: '/user.slice/rlimit-a-1.scope',
      },
      { unit: 'y.scope', kind: 'scope', manager: 'user' },
    ]);
  });

  it('looks into the tree itself where systemd does not answer', async () => {
    const find = async () => {
      throw new UnavailableError('no manager');
    };
    const app = 'user.slice/user-7.slice/user@7.service/app.slice';
    const root = tree({
      [`${app}/app-rlimit.slice/rlimit-a-1.scope/cgroup.procs`]: '',
      [`${app}/firefox.scope/cgroup.procs`]: '',
      'user.slice/user-8.slice/rlimit-b-1.scope/cgroup.procs': '',
    });
    const targets = await ourScopes([], { find, root, uid: 7 });
    expect(targets.map(({ cgroup }) => cgroup)).toEqual([
      `/${app}/app-rlimit.slice/rlimit-a-1.scope`,
    ]);
    const withoutSystemd = () => false;
    await expect(ourScopes([], { find, root, uid: 9, withoutSystemd })).rejects.toThrow(
      'no manager',
    );
  });

  it('knows that there are none where systemd does not run the system', async () => {
    const find = async () => {
      throw new UnavailableError('no manager');
    };
    expect(await ourScopes([], { find, root: tree({}), withoutSystemd: () => true })).toEqual([]);
  });
});

describe('namedTargets', () => {
  const proc = () => tree({ 'self/cgroup': '0::/user.slice/mine.scope\n' });
  const one = (unit: string) => ({ find: async () => [found(unit)], proc: proc() });

  it.each([
    'init.scope',
    'session-3.scope',
    'user@1000.service',
    'user-1000.slice',
    'user.slice',
    'system.slice',
    '-.slice',
    'app.slice',
    'ssh.service',
    'sshd@4-1.2.3.4:22-5.6.7.8:9.service',
    'dbus.service',
    'dbus-broker.service',
    'systemd-logind.service',
    'docker.service',
    'containerd.service',
    'getty@tty1.service',
    'tmux-spawn-1.scope',
  ])('refuses %s, unless forced', async (unit) => {
    await expect(namedTargets([unit], [], one(unit))).rejects.toThrow(UsageError);
    expect(await namedTargets([unit], [], { ...one(unit), force: true })).toHaveLength(1);
  });

  it('refuses the unit that the caller is in, unless it is one of ours', async () => {
    await expect(namedTargets(['mine.scope'], [], one('mine.scope'))).rejects.toThrow(
      /is not killed/,
    );
    const ours = {
      ...one('rlimit-a-1.scope'),
      proc: tree({ 'self/cgroup': '0::/user.slice/rlimit-a-1.scope\n' }),
    };
    expect(await namedTargets(['rlimit-a-1.scope'], [], ours)).toHaveLength(1);
  });

  it('takes any other that was named', async () => {
    expect(await namedTargets(['nix-daemon.service'], [], one('nix-daemon.service'))).toHaveLength(
      1,
    );
  });
});

describe('parseSignal', () => {
  it.each(['TERM', 'SIGTERM', 'term', '15'])('%s', (text) => {
    expect(parseSignal(text)).toBe('SIGTERM');
  });
  it.each(['9', 'kill', 'SIGKILL'])('%s', (text) => {
    expect(parseSignal(text)).toBe('SIGKILL');
  });
  it.each(['STOP', 'USR1', '0', '', 'TER', '99'])('refuses %j', (text) => {
    expect(() => parseSignal(text)).toThrow(UsageError);
  });
});

describe('what kill is asked', () => {
  const nothing = {
    units: [],
    scopes: false,
    processes: [],
    signal: 'TERM',
    timeout: 5,
    dryRun: true,
    force: false,
  };

  it('must name something', async () => {
    await expect(kill(nothing)).rejects.toThrow('nothing named');
  });

  it('must not name a unit and every scope', async () => {
    await expect(kill({ ...nothing, scopes: true, units: ['a.scope'] })).rejects.toThrow(
      UsageError,
    );
  });

  it('must name a signal that ends', async () => {
    await expect(kill({ ...nothing, scopes: true, signal: 'STOP' })).rejects.toThrow(
      /not a signal/,
    );
  });
});
