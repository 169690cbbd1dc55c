import { describe, expect, it } from 'vitest';
import { suggestedCap } from '../../../src/doctor/trees.js';
import { cgroupFiles, GIB, healthy, look, outcome, place, SYSTEM, shown } from './place.js';

const G16 = String(16 * GIB);
const SERVE = {
  Id: 't3-serve@dev.service',
  ControlGroup: '/system.slice/system-t3.slice/t3-serve@dev.service',
};
const slice = (limits: Parameters<typeof cgroupFiles>[1] = {}, uid = 1000) =>
  cgroupFiles(`/user.slice/user-${uid}.slice`, limits);
const capped = { max: G16, swap: '0' };

function here(
  files: Record<string, string>,
  units: Record<string, string>[] = [],
  machine: Parameters<typeof healthy>[0] = {},
) {
  return place({ ...healthy(machine), ...files }, { [SYSTEM]: shown(...units) });
}

describe('users', () => {
  it.each([
    ['nobody there', here({}), ['ok']],
    ['capped', here(slice(capped)), ['ok']],
    ['open', here(slice()), ['warning', 'warning user-tree-uncapped MemoryMax']],
    [
      'open, and others use the machine',
      here(slice(), [], { people: ['dev', 'eve'] }),
      ['problem', 'problem user-tree-uncapped MemoryMax'],
    ],
    [
      'a cap on one tree',
      here({ ...slice(capped), ...cgroupFiles(SERVE.ControlGroup) }, [SERVE]),
      ['problem', 'problem cap-on-one-tree MemoryMax'],
    ],
    [
      'a service with User=',
      here({ ...slice(capped), ...cgroupFiles('/system.slice/web.service') }, [
        { Id: 'web.service', User: 'dev', ControlGroup: '/system.slice/web.service' },
      ]),
      ['problem', 'problem cap-on-one-tree MemoryMax'],
    ],
    [
      'capped from above',
      here({ ...cgroupFiles('/user.slice', capped), ...slice({ swap: '0' }) }),
      ['ok'],
    ],
    [
      'capped, with swap',
      here(slice({ max: G16 }), [], { swapGib: 4 }),
      ['warning', 'warning capped-with-swap MemorySwapMax'],
    ],
    [
      'MemoryHigh below MemoryMax, swap 0',
      here(slice({ ...capped, high: String(8 * GIB) })),
      ['warning', 'warning high-below-max-without-swap MemoryHigh'],
    ],
    ['another format', here(slice({ max: 'much' })), ['unknown']],
    [
      'systemd hangs, slices are well',
      place({ ...healthy(), ...slice(capped) }, { [SYSTEM]: 'hangs' }),
      ['unknown'],
    ],
    [
      'systemd hangs, slices are not',
      place({ ...healthy(), ...slice() }, { [SYSTEM]: 'hangs' }),
      ['warning', 'warning user-tree-uncapped MemoryMax'],
    ],
    ['no cgroup v2', place({ 'etc/passwd': '', 'proc/meminfo': 'MemTotal: 1 kB\n' }), ['unknown']],
  ])('%s', async (_, machine, expected) => {
    expect(await outcome('users', machine)).toEqual(expected);
  });

  it('says all three limits of each tree', async () => {
    const { check } = await look(
      'users',
      here({ ...slice(capped), ...cgroupFiles(SERVE.ControlGroup) }, [SERVE]),
    );
    expect(check.evidence).toEqual([
      'user-1000.slice (dev): MemoryMax=16G MemorySwapMax=0 MemoryHigh=infinity',
      't3-serve@dev.service (dev): MemoryMax=infinity MemorySwapMax=infinity MemoryHigh=infinity',
    ]);
  });

  it('writes a drop-in for all slices and one for each template; a cap that is there stays', async () => {
    const { fixes } = await look(
      'users',
      here({ ...slice(capped), ...cgroupFiles(SERVE.ControlGroup) }, [SERVE]),
    );
    expect(fixes[0]?.steps).toEqual([
      {
        file: '/etc/systemd/system/user-.slice.d/50-rlimit.conf',
        content: '[Slice]\nMemoryMax=16G\nMemorySwapMax=0\nMemoryHigh=infinity\n',
      },
      {
        file: '/etc/systemd/system/t3-serve@.service.d/50-rlimit.conf',
        content:
          '[Service]\nMemoryMax=14G\nMemorySwapMax=0\nMemoryHigh=infinity\nOOMPolicy=continue\n',
      },
      { reload: ['user-*.slice', 't3-serve@dev.service'] },
    ]);
  });

  it.each([
    [32, 1, false, 16],
    [32, 3, false, 9],
    [32, 3, true, 6],
    [252, 1, false, 126],
  ])('%i G for %i trees, containers %s: %i G each', (memory, trees, containers, expected) => {
    expect(suggestedCap(memory * GIB, trees, containers)).toBe(expected * GIB);
  });
});

describe('docker', () => {
  const DOCKER = { Id: 'docker.service' };
  const parent = { 'etc/docker/daemon.json': '{"cgroup-parent": "docker.slice"}' };

  it.each([
    ['not installed', here({}), ['ok']],
    ['capped', here({ ...parent, ...cgroupFiles('/docker.slice', capped) }, [DOCKER]), ['ok']],
    [
      'capped before the first container',
      here(parent, [DOCKER, { Id: 'docker.slice', MemoryMax: G16 }]),
      ['ok'],
    ],
    [
      'no cap',
      here({ ...parent, ...cgroupFiles('/docker.slice') }, [DOCKER]),
      ['warning', 'warning docker-uncapped MemoryMax'],
    ],
    [
      'capped, and containers are elsewhere',
      here(
        {
          ...cgroupFiles('/docker.slice', capped),
          ...cgroupFiles('/system.slice/docker-1f.scope'),
        },
        [DOCKER],
      ),
      ['warning', 'warning docker-uncapped MemoryMax'],
    ],
    [
      'a file that is no JSON',
      here({ 'etc/docker/daemon.json': '{', ...cgroupFiles('/docker.slice', capped) }, [DOCKER]),
      ['warning', 'warning docker-uncapped MemoryMax'],
    ],
    ['no systemd', place(healthy()), ['unknown']],
  ])('%s', async (_, machine, expected) => {
    expect(await outcome('docker', machine)).toEqual(expected);
  });
});

describe('commitment', () => {
  it.each([
    ['no caps', here(slice()), ['ok']],
    ['fits', here(slice(capped)), ['ok']],
    [
      'does not fit',
      here(
        { ...slice(capped), ...slice(capped, 1001), ...cgroupFiles('/docker.slice', capped) },
        [],
        { people: ['dev', 'eve'] },
      ),
      ['warning', 'warning sum-of-caps MemoryMax'],
    ],
    [
      'does not fit when all are there',
      here(slice(capped), [], { people: ['dev', 'eve', 'bob'] }),
      ['warning', 'warning sum-of-caps MemoryMax'],
    ],
    [
      'is bounded from above',
      here(
        { ...cgroupFiles('/user.slice', capped), ...slice(capped), ...slice(capped, 1001) },
        [],
        { people: ['dev', 'eve', 'bob'] },
      ),
      ['ok'],
    ],
    [
      'systemd hangs',
      place({ ...healthy(), ...slice(capped) }, { [SYSTEM]: 'hangs' }),
      ['unknown'],
    ],
    ['no cgroup v2', place({ 'etc/passwd': '' }), ['unknown']],
  ])('%s', async (_, machine, expected) => {
    expect(await outcome('commitment', machine)).toEqual(expected);
  });

  it('shows the sum: 3 users of 16G, each with two trees, on 32G', async () => {
    const people = ['dev', 'eve', 'bob'];
    const trees = people.map((name) => ({
      Id: `t3@${name}.service`,
      ControlGroup: `/system.slice/system-t3.slice/t3@${name}.service`,
    }));
    const files = Object.assign(
      {},
      ...people.map((_, at) => slice(capped, 1000 + at)),
      ...trees.map((unit) => cgroupFiles(unit.ControlGroup, capped)),
    );
    const { check } = await look('commitment', here(files, trees, { people }));
    expect(check.evidence[0]).toMatch(/ = 96G of 32G$/);
    expect(check.findings[0]?.cause).toMatch(/over-committed: .* 96G .* 32G, 3\.0 times/);
  });
});

describe('unlimited', () => {
  const large = (current: number) => ({
    ...cgroupFiles('/system.slice/db.service'),
    'sys/fs/cgroup/system.slice/db.service/memory.current': `${current}\n`,
  });
  const empty = { 'sys/fs/cgroup/machine.slice/cgroup.events': 'populated 0\nfrozen 0\n' };

  it.each([
    ['nothing else', here({}), ['ok']],
    [
      'machines',
      here(cgroupFiles('/machine.slice')),
      ['warning', 'warning tree-uncapped MemoryMax'],
    ],
    ['machines, capped', here(cgroupFiles('/machine.slice', capped)), ['ok']],
    ['an empty tree', here({ ...cgroupFiles('/machine.slice'), ...empty }), ['ok']],
    ['a small service', here(large(GIB)), ['ok']],
    ['a large service', here(large(8 * GIB)), ['warning', 'warning tree-uncapped MemoryMax']],
    ['no cgroup v2', place(), ['unknown']],
  ])('%s', async (_, machine, expected) => {
    expect(await outcome('unlimited', machine)).toEqual(expected);
  });
});
