import { utimesSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Said } from './place.js';
import { look, outcome, place, SYSTEM } from './place.js';

const BOOTED = { 'run/systemd/system/x': '', 'run/user/1000/systemd/private': '' };

describe('manager', () => {
  const here = (said: Said, files: Record<string, string> = BOOTED) =>
    place(
      files,
      { 'systemctl --user is-system-running': said },
      {
        env: { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/run/user/1000/bus' },
      },
    );

  it.each([
    ['running', here('running\n'), ['ok']],
    ['degraded', here({ status: 1, out: 'degraded\n' }), ['ok']],
    ['stopping', here({ status: 1, out: 'stopping\n' }), ['unknown']],
    ['hanging', here('hangs'), ['unknown']],
    ['silent', here({ status: 1, err: 'Failed to connect to bus: No\n' }), ['unknown']],
    ['without systemd', here('running\n', {}), ['problem', 'problem no-user-manager']],
    [
      'not started',
      here('running\n', { 'run/systemd/system/x': '' }),
      ['problem', 'problem no-user-manager'],
    ],
  ])('%s', async (_, machine, expected) => {
    expect(await outcome('manager', machine)).toEqual(expected);
  });

  it.each(['manager', 'bus', 'linger'])('%s: root needs none', async (name) => {
    expect(await outcome(name, place({}, {}, { uid: 0 }))).toEqual(['ok']);
  });
});

describe('bus', () => {
  it.each<[string, Record<string, Said>, string[]]>([
    ['answers', { busctl: 's "0123"\n' }, ['ok']],
    [
      'refuses',
      { busctl: { status: 1, err: 'No medium found' } },
      ['warning', 'warning no-user-bus'],
    ],
    ['hangs', { busctl: 'hangs' }, ['unknown']],
    ['no busctl', {}, ['unknown']],
  ])('%s', async (_, programs, expected) => {
    expect(await outcome('bus', place({}, programs))).toEqual(expected);
  });
});

describe('linger', () => {
  it.each([
    ['on', { ...BOOTED, 'var/lib/systemd/linger/dev': '' }, ['ok']],
    [
      'another’s',
      { ...BOOTED, 'var/lib/systemd/linger/eve': '' },
      ['warning', 'warning no-linger'],
    ],
    ['without systemd', {}, ['unknown']],
  ])('%s', async (_, files, expected) => {
    expect(await outcome('linger', place(files))).toEqual(expected);
  });
});

describe('delegation', () => {
  const folder = 'sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service';
  const manager = (controllers: string, handedOn = '') => ({
    [`${folder}/cgroup.controllers`]: `${controllers}\n`,
    [`${folder}/cgroup.subtree_control`]: `${handedOn}\n`,
    'proc/stat': 'cpu 1\nbtime 1700000000\n',
  });
  const dropIn = 'etc/systemd/system/user@.service.d/x.conf';
  const asked = (paths = '') => ({
    [`${SYSTEM} --no-pager show --property=DropInPaths`]: `DropInPaths=${paths}\nActiveEnterTimestampMonotonic=50000000\n`,
  });
  const ALL = 'cpuset cpu io memory pids';

  it.each([
    ['all, and in use', place(manager(ALL, ALL)), ['ok']],
    ['all', place(manager(ALL, 'cpu memory pids'), asked()), ['ok']],
    [
      'as systemd delegates',
      place(manager('cpu memory pids'), asked()),
      ['warning', 'warning controller-not-delegated cpuset', 'warning controller-not-delegated io'],
    ],
    [
      'as 249 does',
      place(manager('cpuset io memory pids'), asked()),
      ['problem', 'problem controller-not-delegated cpu'],
    ],
    ['nobody to ask', place(manager(ALL, 'cpu memory pids')), ['unknown']],
    ['no cgroup', place(), ['unknown']],
  ])('%s', async (_, here, expected) => {
    expect(await outcome('delegation', here)).toEqual(expected);
  });

  it.each([
    ['after', 'Delegate=cpu cpuset io memory pids', true],
    ['after, of all by yes', 'Delegate=yes', true],
    ['after, of less', 'Delegate=cpu io', false],
  ])('a manager whose file was written %s', async (_, line, expected) => {
    // The file is of now, the boot was in 2023.
    const files = { ...manager(ALL, 'cpu memory pids'), [dropIn]: `[Service]\n${line}\n` };
    const here = place(files, asked(`/${dropIn}`));
    utimesSync(`${here.root}/${dropIn}`, new Date(), new Date());
    expect(await outcome('delegation', here)).toEqual(
      expected ? ['warning', 'warning manager-before-delegation'] : ['ok'],
    );
  });

  it('root sees the managers of all users', async () => {
    const { check } = await look('delegation', place(manager(ALL, ALL), {}, { uid: 0 }));
    expect(check.evidence).toEqual([`user@1000.service has ${ALL} (its cgroup.controllers)`]);
    expect(await outcome('delegation', place({}, {}, { uid: 0 }))).toEqual(['unknown']);
  });
});

describe('nofile', () => {
  const limits = (soft: string, hard: string) =>
    `Limit  Soft  Hard  Units\nMax open files            ${soft}                 ${hard}               files\n`;
  it.each([
    ['systemd’s own', { 'proc/4242/limits': limits('1024', '524288') }, ['ok']],
    ['unlimited', { 'proc/4242/limits': limits('unlimited', 'unlimited') }, ['ok']],
    [
      'the caller’s, not Node’s',
      {
        'proc/4242/limits': limits('1024', '4096'),
        'proc/self/limits': limits('524288', '524288'),
      },
      ['warning', 'warning nofile-low LimitNOFILE'],
    ],
    ['only Node’s', { 'proc/self/limits': limits('524288', '524288') }, ['ok']],
    ['another format', { 'proc/4242/limits': 'Max open files many\n' }, ['unknown']],
    ['no /proc', {}, ['unknown']],
  ])('%s', async (_, files, expected) => {
    expect(await outcome('nofile', place(files))).toEqual(expected);
  });
});
