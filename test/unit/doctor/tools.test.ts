import { describe, expect, it } from 'vitest';
import { notificationTest } from '../../../src/doctor/checks/notifications.js';
import { make } from '../../../src/doctor/spec.js';
import {
  cgroupFiles,
  healthy,
  look,
  outcome,
  place,
  type Said,
  SYSTEM,
  shown,
  USER,
} from './place.js';

describe('nix', () => {
  const ETC = 'etc/nix/nix.conf';
  const OWN = 'home/dev/.config/nix/nix.conf';
  const here = (files: Record<string, string>, env = {}) =>
    place({ ...healthy(), ...files }, {}, { env });
  const many = ['warning', 'warning nix-jobs-times-cores max-jobs'];

  it.each([
    ['not installed', here({}), ['ok']],
    ['half the cores', here({ [ETC]: 'max-jobs = 4\ncores = 1\n' }), ['ok']],
    ['8 × 8', here({ [ETC]: 'max-jobs = 8\ncores = 8\n' }), many],
    ['auto is all', here({ [ETC]: 'max-jobs = auto\ncores = 2\n' }), many],
    ['0 is all', here({ [ETC]: 'max-jobs = 2\ncores = 0\n' }), many],
    ['Nix’s own defaults: one build, all cores', here({ 'nix/store/x': '' }), ['ok']],
    [
      'one’s own file wins',
      here({ [ETC]: 'max-jobs = 8\ncores = 8\n', [OWN]: 'max-jobs = 1 # few\n' }),
      ['ok'],
    ],
    [
      'NIX_CONFIG wins',
      here({ [ETC]: 'max-jobs = 1\n' }, { NIX_CONFIG: 'max-jobs = 3\ncores = 3' }),
      many,
    ],
    [
      'an included file',
      here({ [ETC]: 'include more.conf\n', 'etc/nix/more.conf': 'max-jobs = 8\n' }),
      many,
    ],
    [
      'an optional one that is not there',
      here({ [ETC]: '!include /none\nmax-jobs = 1\n' }),
      ['ok'],
    ],
    ['one that is not there', here({ [ETC]: 'include /none\n' }), ['unknown']],
    ['one that includes itself', here({ [ETC]: 'include nix.conf\nmax-jobs = 1\n' }), ['ok']],
    ['no number', here({ [ETC]: 'max-jobs = some\n' }), ['unknown']],
    ['no /proc', place({ [ETC]: '' }), ['unknown']],
  ])('%s', async (_, machine, expected) => {
    expect(await outcome('nix', machine)).toEqual(expected);
  });

  it('says where each was written, and mends one’s own file', async () => {
    const files = { [ETC]: 'max-jobs = auto\n', [OWN]: 'cores = 4\nsandbox = true\n' };
    const { check, fixes } = await look('nix', here(files));
    expect(check.evidence).toEqual([
      'max-jobs = auto (/etc/nix/nix.conf), cores = 4 (/home/dev/.config/nix/nix.conf)',
      '8 builds × 4 processes = 32 on 8 CPUs',
    ]);
    expect(fixes).toMatchObject([
      {
        root: false,
        steps: [
          {
            file: '/home/dev/.config/nix/nix.conf',
            content: 'sandbox = true\nmax-jobs = 4\ncores = 1\n',
          },
        ],
      },
    ]);
  });
});

describe('nproc', () => {
  const here = (max: string, nproc: Said = '8\n', version = '9.1') =>
    place(
      {
        ...healthy(),
        ...cgroupFiles('/user.slice/user-1000.slice'),
        'sys/fs/cgroup/user.slice/cpu.max': max,
      },
      { 'nproc --version': `nproc (GNU coreutils) ${version}\n`, nproc },
    );

  it.each([
    ['no quota', here('max 100000\n'), ['ok']],
    ['a quota above it', here('800000 100000\n'), ['ok']],
    [
      'a quota below it',
      here('250000 100000\n'),
      ['warning', 'warning nproc-above-quota CPUQuota'],
    ],
    ['one that nproc knows of', here('250000 100000\n', '3\n', '9.8'), ['ok']],
    ['another format', here('lots\n'), ['unknown']],
    ['no number', here('max 100000\n', 'eight\n'), ['unknown']],
    ['hangs', here('max 100000\n', 'hangs'), ['unknown']],
    ['no nproc', place(healthy()), ['unknown']],
  ])('%s', async (_, machine, expected) => {
    expect(await outcome('nproc', machine)).toEqual(expected);
  });
});

describe('timers', () => {
  const timer = { Id: 'rlimit-check.timer', LastTriggerUSec: 'Sat 2026-11-21 03:00:00 UTC' };
  it.each<[string, Record<string, Said>, string[]]>([
    ['none', { [SYSTEM]: shown({ Id: 'cron.service' }), [USER]: '' }, ['ok']],
    ['well', { [SYSTEM]: shown(timer), [USER]: '' }, ['ok']],
    [
      'failed',
      {
        [SYSTEM]: '',
        [USER]: shown({ Id: 'rlimit-warn.service', ActiveState: 'failed', Result: 'exit-code' }),
      },
      ['problem', 'problem own-unit-failed'],
    ],
    [
      'a run of ours is none',
      { [SYSTEM]: '', [USER]: shown({ Id: 'rlimit-x-1.scope', Result: 'oom-kill' }) },
      ['ok'],
    ],
    ['one manager hangs', { [SYSTEM]: shown(timer), [USER]: 'hangs' }, ['unknown']],
    ['no systemd', {}, ['unknown']],
  ])('%s', async (_, programs, expected) => {
    expect(await outcome('timers', place({}, programs))).toEqual(expected);
  });

  it('says when a timer ran last', async () => {
    const { check } = await look('timers', place({}, { [SYSTEM]: shown(timer), [USER]: '' }));
    expect(check.evidence).toEqual([
      'rlimit-check.timer of the system: active, success, last Sat 2026-11-21 03:00:00 UTC',
    ]);
  });
});

describe('notifications', () => {
  const desktop = { env: { WAYLAND_DISPLAY: 'wayland-0' } };
  const sends = { 'notify-send': 'notify-send 0.8\n' };
  it.each<[string, Record<string, Said>, object, string[]]>([
    ['no desktop', {}, {}, ['ok']],
    ['shown', { ...sends, busctl: 'b true\n' }, desktop, ['ok']],
    [
      'nobody shows',
      { ...sends, busctl: 'b false\n' },
      desktop,
      ['warning', 'warning no-notifications'],
    ],
    ['no notify-send', { busctl: 'b true\n' }, desktop, ['warning', 'warning no-notifications']],
    ['bus hangs', { ...sends, busctl: 'hangs' }, desktop, ['unknown']],
    [
      'a desktop by its target',
      { [USER]: shown({ Id: 'graphical-session.target' }), busctl: 'b true\n' },
      {},
      ['warning', 'warning no-notifications'],
    ],
  ])('%s', async (_, programs, more, expected) => {
    expect(await outcome('notifications', place({}, programs, more))).toEqual(expected);
  });

  it('one that is sent and not shown is a problem, with what was said', async () => {
    const here = (said: Said) =>
      place({}, { 'notify-send --version': '1\n', 'notify-send': said }, desktop);
    const { check } = await make(notificationTest, here({ status: 1, err: 'no bus\n' }));
    expect(check.findings).toMatchObject([
      { severity: 'problem', cause: 'the test notification was not shown: no bus' },
    ]);
    const sent = await make(notificationTest, here(''));
    expect(sent.check.evidence).toContain('a test notification was sent');
  });
});

describe('nvidia', () => {
  const driver = { 'proc/driver/nvidia/version': 'NVRM version: 550\nGCC\n' };
  it.each<[string, Record<string, string>, Record<string, Said>, string[]]>([
    ['none', {}, {}, ['ok']],
    ['answers', driver, { 'nvidia-smi': 'H200, 550, 141 GiB\n' }, ['ok']],
    [
      'fails',
      driver,
      { 'nvidia-smi': { status: 18, out: 'Driver/library version mismatch\n' } },
      ['warning', 'warning nvidia-silent'],
    ],
    ['hangs', driver, { 'nvidia-smi': 'hangs' }, ['warning', 'warning nvidia-silent']],
    ['no tool', driver, {}, ['warning', 'warning nvidia-silent']],
  ])('%s', async (_, files, programs, expected) => {
    expect(await outcome('nvidia', place(files, programs))).toEqual(expected);
  });
});
