import { describe, expect, it } from 'vitest';
import { thresholdsOf } from '../../../src/doctor/checks/earlyoom.js';
import { cgroupFiles, healthy, look, outcome, place, SYSTEM, shown, USER } from './place.js';

describe('swap', () => {
  const head = 'Filename\tType\tSize\tUsed\tPriority\n';
  const zram = (priority: number) => `/dev/zram0 partition 4194300 0 ${priority}\n`;
  const disk = (priority: number) => `/swapfile file 4194300 1024 ${priority}\n`;
  const files = (swaps: string, swappiness = '10'): Record<string, string> => ({
    'proc/swaps': head + swaps,
    'proc/sys/vm/swappiness': `${swappiness}\n`,
    ...cgroupFiles('/system.slice'),
  });
  const { 'sys/fs/cgroup/system.slice/memory.swap.max': _, ...unaccounted } = files(disk(50));

  it.each([
    ['none', files('', '60'), ['ok']],
    ['zram before disk', files(zram(100) + disk(50)), ['ok']],
    ['zram behind disk', files(zram(5) + disk(50)), ['warning', 'warning zram-below-disk']],
    [
      'disk, swappiness 60',
      files(disk(-2), '60'),
      ['warning', 'warning swappiness-high vm.swappiness'],
    ],
    ['zram alone, swappiness 60', files(zram(100), '60'), ['ok']],
    ['not accounted', unaccounted, ['warning', 'warning no-swap-accounting MemorySwapMax']],
    ['another format', files('/swapfile file much\n'), ['unknown']],
    ['swappiness of another kind', files('', 'some'), ['unknown']],
    ['no /proc', {}, ['unknown']],
  ])('%s', async (_name, machine, expected) => {
    expect(await outcome('swap', place(machine))).toEqual(expected);
  });

  it('says what is there', async () => {
    const { check } = await look('swap', place(files(zram(100) + disk(50))));
    expect(check.evidence).toEqual([
      '/dev/zram0 (compressed memory): 4G, 0K used, priority 100',
      '/swapfile (disk): 4G, 1M used, priority 50',
      'vm.swappiness 10',
    ]);
  });
});

const OOMD = { Id: 'systemd-oomd.service' };
const SLICE = { Id: 'user.slice', ControlGroup: '/user.slice', ManagedOOMSwap: 'kill' };
const capped = { max: '17179869184', swap: '0' };

describe('oomd', () => {
  const here = (units: Record<string, string>[], { swapGib = 0, swap = 'max', own = '' } = {}) =>
    place(
      { ...healthy({ swapGib }), ...cgroupFiles('/user.slice', { swap }) },
      { [SYSTEM]: shown(...units), ...(own === 'hangs' ? { [USER]: 'hangs' } : { [USER]: own }) },
    );

  it.each([
    ['not installed', here([{ ...OOMD, LoadState: 'not-found' }]), ['ok']],
    ['masked', here([{ ...OOMD, LoadState: 'masked', ActiveState: 'inactive' }]), ['ok']],
    ['with swap', here([OOMD, SLICE], { swapGib: 4 }), ['ok']],
    ['without swap', here([OOMD, SLICE]), ['problem', 'problem oomd-with-swap-zero']],
    [
      'what it watches may not swap',
      here([OOMD, SLICE], { swapGib: 4, swap: '0' }),
      ['problem', 'problem oomd-with-swap-zero'],
    ],
    [
      'some of it may not',
      here([OOMD, SLICE, { ...SLICE, Id: 'system.slice', ControlGroup: '/system.slice' }], {
        swapGib: 4,
        swap: '0',
      }),
      ['warning', 'warning oomd-with-swap-zero MemorySwapMax'],
    ],
    ['nothing to watch', here([OOMD], { swapGib: 4 }), ['warning', 'warning oomd-manages-nothing']],
    ['own units unknown', here([OOMD, SLICE], { swapGib: 4, own: 'hangs' }), ['unknown']],
    ['systemd hangs', place(healthy(), { [SYSTEM]: 'hangs' }), ['unknown']],
    ['no systemd', place(healthy()), ['unknown']],
  ])('%s', async (_, machine, expected) => {
    expect(await outcome('oomd', machine)).toEqual(expected);
  });
});

describe('earlyoom', () => {
  const EARLYOOM = { Id: 'earlyoom.service' };
  const process = (...args: string[]) => ({
    'proc/77/comm': 'earlyoom\n',
    'proc/77/cmdline': ['/usr/bin/earlyoom', ...args, ''].join('\0'),
  });
  const here = (
    units: Record<string, string>[],
    files: Record<string, string> = {},
    { swapGib = 0 } = {},
  ) =>
    place(
      { ...healthy({ swapGib }), ...cgroupFiles('/user.slice/user-1000.slice', capped), ...files },
      { [SYSTEM]: shown(...units), [USER]: '' },
    );

  it.each([
    ['runs, no swap', here([EARLYOOM], process('-r', '3600')), ['ok']],
    [
      'runs, waits for swap that work may not use',
      here([EARLYOOM], process('-m', '5'), { swapGib: 4 }),
      ['problem', 'problem earlyoom-waits-for-swap'],
    ],
    [
      '-s 100: only SIGKILL waits',
      here([EARLYOOM], process('-m', '5,3', '-s', '100'), { swapGib: 4 }),
      ['warning', 'warning earlyoom-waits-for-swap'],
    ],
    ['-s 100,100', here([EARLYOOM], process('-s', '100,100'), { swapGib: 4 }), ['ok']],
    [
      'its options are of another kind',
      here([EARLYOOM], process('-s', 'x'), { swapGib: 4 }),
      ['unknown'],
    ],
    [
      'stopped',
      here([{ ...EARLYOOM, ActiveState: 'inactive' }]),
      ['warning', 'warning no-backstop'],
    ],
    [
      'not installed',
      here([{ ...EARLYOOM, LoadState: 'not-found' }]),
      ['warning', 'warning no-backstop'],
    ],
    ['systemd-oomd in its place', here([OOMD, SLICE], {}, { swapGib: 4 }), ['ok']],
    ['no systemd', place(healthy()), ['unknown']],
  ])('%s', async (_, machine, expected) => {
    expect(await outcome('earlyoom', machine)).toEqual(expected);
  });

  it('is set up by a fix only where it is installed', async () => {
    const stopped = await look('earlyoom', here([{ ...EARLYOOM, ActiveState: 'inactive' }]));
    expect(stopped.fixes).toHaveLength(1);
    const missing = await look('earlyoom', here([]));
    expect(missing.fixes).toEqual([]);
  });

  it.each([
    [[], { term: 10, kill: 5 }],
    [['-s', '100'], { term: 100, kill: 50 }],
    [['-s', '100,100'], { term: 100, kill: 100 }],
    [['-s5,2'], { term: 5, kill: 2 }],
  ])('reads %j', (argv, swap) => {
    expect(thresholdsOf(argv).swap).toEqual(swap);
  });
});

describe('oom-kills', () => {
  const here = (
    { vmstat = 'oom_kill 0\n', events = '' } = {},
    programs: Parameters<typeof place>[1] = { [SYSTEM]: '', [USER]: '' },
  ) =>
    place(
      {
        ...healthy(),
        'proc/vmstat': vmstat,
        ...(events === '' ? {} : { 'sys/fs/cgroup/user.slice/memory.events': events }),
      },
      programs,
    );
  const none = 'oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),task=python3,pid=1,uid=0\n';

  it.each([
    ['none', here(), ['ok']],
    ['at limits', here({ vmstat: 'oom_kill 3\n', events: 'oom 3\noom_kill 3\n' }), ['ok']],
    [
      'of the machine, by the counts',
      here({ vmstat: 'oom_kill 3\n', events: 'oom 0\noom_kill 3\n' }),
      ['warning', 'warning machine-oom'],
    ],
    [
      'of a group at a limit',
      here({ vmstat: 'oom_kill 5\n', events: 'oom 1\noom_kill 5\noom_group_kill 1\n' }),
      ['ok'],
    ],
    [
      'of the machine, by the log',
      here(
        { vmstat: 'oom_kill 1\n', events: 'oom 1\noom_kill 1\n' },
        { [SYSTEM]: '', [USER]: '', journalctl: none },
      ),
      ['warning', 'warning machine-oom'],
    ],
    [
      'of a service',
      here({}, { [SYSTEM]: shown({ Id: 'db.service', Result: 'oom-kill' }), [USER]: '' }),
      ['warning', 'warning unit-oom-killed'],
    ],
    [
      'of a run of ours, which is as meant',
      here({}, { [SYSTEM]: '', [USER]: shown({ Id: 'rlimit-x-1.scope', Result: 'oom-kill' }) }),
      ['ok'],
    ],
    ['user manager hangs', here({}, { [SYSTEM]: '', [USER]: 'hangs' }), ['unknown']],
    ['no count', here({ vmstat: 'pgfault 1\n' }), ['unknown']],
    ['another format', here({ vmstat: 'oom_kill many\n' }), ['unknown']],
    ['no /proc', place(), ['unknown']],
  ])('%s', async (_, machine, expected) => {
    expect(await outcome('oom-kills', machine)).toEqual(expected);
  });
});
