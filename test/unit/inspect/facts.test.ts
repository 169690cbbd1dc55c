import { symlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { devicesIn, ioWeightsCount } from '../../../src/inspect/facts.js';
import { observe } from '../../../src/inspect/observe.js';
import { ancestorReader, controllersFor } from '../../../src/inspect/surroundings.js';
import { tree } from '../cgroup/tree.js';

describe('ioWeightsCount', () => {
  const none = { 'block/sda/queue/scheduler': '[mq-deadline] none\n' };

  it('is so with BFQ or io.cost, and not without', () => {
    const root = tree({ 'io.cost.qos': '8:0 enable=0 ctrl=auto\n' });
    expect(ioWeightsCount({ root, sys: tree(none) })).toBe(false);
    expect(
      ioWeightsCount({ root, sys: tree({ ...none, 'block/sdb/queue/scheduler': 'none [bfq]' }) }),
    ).toBe(true);
    const cost = tree({ 'io.cost.qos': '8:0 enable=1 ctrl=auto\n' });
    expect(ioWeightsCount({ root: cost, sys: tree(none) })).toBe(true);
  });

  it('is unknown where nothing can be seen', () => {
    expect(ioWeightsCount({ root: tree({}), sys: '/nonexistent' })).toBeUndefined();
  });
});

describe('devicesIn', () => {
  it('leaves out what is no path, no device, or no IO property', () => {
    expect(devicesIn({ IOReadBandwidthMax: '/nonexistent 1M', MemoryMax: '/ 5' })).toEqual({});
  });

  it('takes a file for the disk below its file system', () => {
    expect(devicesIn({ IOWriteBandwidthMax: '/ 1M' })['/']).toMatch(/^\d+:\d+$/);
  });

  it('takes a partition for its disk', () => {
    const number = devicesIn({ IOWeight: '/ 1', IOReadIOPSMax: '/ 1' })['/'] ?? '';
    const sys = tree({
      'devices/sda/dev': '8:0\n',
      'devices/sda/sda1/partition': '1\n',
      'dev/block/x': '',
    });
    symlinkSync(`${sys}/devices/sda/sda1`, `${sys}/dev/block/${number}`);
    expect(devicesIn({ IOReadIOPSMax: '/ 1' }, { sys })).toEqual({ '/': '8:0' });
  });
});

describe('observe', () => {
  const cgroup = '/user.slice/user@1.service/app.slice/a.scope';
  const shown = {
    Id: 'a.scope',
    LoadState: 'loaded',
    ActiveState: 'active',
    Description: 'x',
    Slice: 'app.slice',
    ControlGroup: cgroup,
    ActiveEnterTimestampMonotonic: String(process.hrtime.bigint() / 1000n - 60_000_000n),
  };

  it('puts systemd’s and the kernel’s words together', () => {
    const root = tree({
      [`${cgroup}/cgroup.controllers`]: 'memory\n',
      [`${cgroup}/memory.max`]: '4096\n',
      [`${cgroup}/memory.current`]: '1024\n',
    });
    const seen = observe({ shown, manager: 'user' }, root);
    expect(seen).toMatchObject({
      unit: 'a.scope',
      kind: 'scope',
      manager: 'user',
      loadState: 'loaded',
      activeState: 'active',
      slice: 'app.slice',
      cgroup,
      kernel: { 'memory.max': '4096' },
      usage: { memoryCurrent: 1024 },
    });
    const age = Date.now() - Date.parse(seen?.since ?? '');
    expect(age).toBeGreaterThan(59_000);
    expect(age).toBeLessThan(62_000);
  });

  it('a unit that is gone meanwhile has no cgroup', () => {
    const seen = observe({ shown, manager: 'user' }, tree({}));
    expect(seen).not.toHaveProperty('cgroup');
    expect(seen?.usage).toEqual({});
  });

  it('other unit types have no limits', () => {
    expect(
      observe({ shown: { ...shown, Id: 'a.timer' }, manager: 'user' }, tree({})),
    ).toBeUndefined();
  });

  it('controllers are those of the manager above the unit', () => {
    const root = tree({
      'user.slice/user@1.service/cgroup.controllers': 'cpu memory pids\n',
      'cgroup.controllers': 'cpuset cpu io memory hugetlb pids rdma misc\n',
    });
    expect(controllersFor(cgroup, root)).toEqual(['cpu', 'memory', 'pids']);
    expect(controllersFor('/system.slice/x.service', root)).toEqual([
      'cpuset',
      'cpu',
      'io',
      'memory',
      'pids',
    ]);
    expect(controllersFor(cgroup, tree({}))).toBeUndefined();
  });

  it('ancestors are given nearest first', () => {
    const root = tree({ 'user.slice/memory.max': '8192\n', 'user.slice/user@1.service/x': '' });
    const read = ancestorReader(root);
    expect(read(cgroup)).toEqual([
      { cgroup: '/user.slice/user@1.service/app.slice', files: {} },
      { cgroup: '/user.slice/user@1.service', files: {} },
      { cgroup: '/user.slice', files: { 'memory.max': '8192' } },
    ]);
    expect(read(cgroup)[2]).toBe(read(cgroup)[2]);
  });
});
