import { describe, expect, it } from 'vitest';
import { compare, type KernelContext } from '../../../src/inspect/index.js';
import type { Observation } from '../../../src/model/index.js';

/** What systemctl shows of a scope for which nothing was asked (257). */
const UNSET = {
  CPUWeight: '[not set]',
  IOWeight: '[not set]',
  CPUQuotaPerSecUSec: 'infinity',
  CPUQuotaPeriodUSec: 'infinity',
  AllowedCPUs: '',
  AllowedMemoryNodes: '',
  MemoryMin: '0',
  MemoryLow: '0',
  MemoryHigh: 'infinity',
  MemoryMax: 'infinity',
  MemorySwapMax: 'infinity',
  TasksMax: 'infinity',
  OOMPolicy: 'stop',
  ManagedOOMPreference: 'none',
};
const KERNEL = {
  'cgroup.controllers': 'cpu memory pids',
  'memory.min': '0',
  'memory.low': '0',
  'memory.high': 'max',
  'memory.max': 'max',
  'memory.swap.max': 'max',
  'cpu.max': 'max 100000',
  'cpu.weight': '100',
  'cpu.idle': '0',
  'pids.max': 'max',
};
const context: KernelContext = { controllers: ['cpu', 'memory', 'pids'], swap: 1, uid: 1000 };

function observation({
  systemd = {},
  kernel = {},
  ...more
}: Partial<Observation> = {}): Observation {
  return {
    unit: 'rlimit-a-1.scope',
    kind: 'scope',
    manager: 'user',
    loadState: 'loaded',
    activeState: 'active',
    cgroup: '/user.slice/rlimit-a-1.scope',
    systemd: { ...UNSET, ...systemd },
    kernel: { ...KERNEL, ...kernel },
    usage: {},
    ...more,
  };
}

const ids = (asked: Record<string, string> | undefined, seen: Observation, more = {}) =>
  compare(asked, seen, { ...context, ...more }).findings.map(({ id }) => id);

describe('compare', () => {
  it('has a row for each property that was asked for, in three languages', () => {
    const seen = observation({
      systemd: {
        MemoryMax: '67108864',
        CPUQuotaPerSecUSec: '500ms',
        TasksMax: '50',
        IOWeight: '50',
        OOMPolicy: 'continue',
      },
      kernel: { 'memory.max': '67108864', 'cpu.max': '50000 100000', 'pids.max': '50' },
    });
    const asked = {
      MemoryMax: '64M',
      CPUQuota: '50%',
      IOWeight: '50',
      TasksMax: '50',
      OOMPolicy: 'continue',
    };
    expect(compare(asked, seen, context)).toMatchObject({
      rows: [
        { property: 'MemoryMax', asked: '64M', systemd: '64M', kernel: '64M', inForce: true },
        { property: 'CPUQuota', asked: '50%', systemd: '50%', kernel: '50%', inForce: true },
        { property: 'IOWeight', asked: '50', systemd: '50', inForce: false },
        { property: 'TasksMax', asked: '50', systemd: '50', kernel: '50', inForce: true },
        { property: 'OOMPolicy', asked: 'continue', systemd: 'continue', inForce: true },
      ],
      findings: [{ id: 'controller-not-delegated', severity: 'warning', property: 'IOWeight' }],
    });
  });

  it('has no row for what nobody set', () => {
    expect(compare(undefined, observation(), context)).toEqual({ rows: [], findings: [] });
  });

  it('finds what was changed by set-property: systemd and the kernel agree with each other', () => {
    const seen = observation({
      systemd: { MemoryMax: '134217728' },
      kernel: { 'memory.max': '134217728' },
    });
    expect(compare({ MemoryMax: '64M' }, seen, context).findings).toMatchObject([
      {
        id: 'changed-since',
        severity: 'problem',
        wanted: '64M',
        observed: '128M',
        remedy: 'systemctl --user set-property --runtime rlimit-a-1.scope MemoryMax=64M',
      },
    ]);
    expect(compare({ MemoryMax: '256M' }, seen, context).findings).toMatchObject([
      { id: 'changed-since', severity: 'warning' },
    ]);
  });

  it('finds what was written into the kernel’s file: systemd knows nothing of it', () => {
    const seen = observation({
      systemd: { MemoryMax: '67108864' },
      kernel: { 'memory.max': 'max' },
    });
    expect(compare({ MemoryMax: '64M' }, seen, context).findings).toMatchObject([
      { id: 'kernel-differs', severity: 'problem', observed: 'infinity' },
    ]);
  });

  it('tells both when both were changed', () => {
    const seen = observation({ systemd: { TasksMax: '60' }, kernel: { 'pids.max': '70' } });
    expect(ids({ TasksMax: '50' }, seen)).toEqual(['changed-since', 'kernel-differs']);
  });

  it('finds a limit that was taken away', () => {
    expect(ids({ CPUQuota: '50%' }, observation())).toEqual(['changed-since']);
    expect(ids({ IOWeight: '50' }, observation())).toEqual([
      'changed-since',
      'controller-not-delegated',
    ]);
  });

  it('takes an empty value for none', () => {
    expect(ids({ CPUQuota: '' }, observation())).toEqual([]);
  });

  it('measures the kernel by what systemd made of a percentage', () => {
    const seen = observation({
      systemd: { MemoryMax: '1288490188' },
      kernel: { 'memory.max': '1288490188' },
    });
    expect(ids({ MemoryMax: '60%' }, seen)).toEqual(['kernel-differs']);
    const paged = observation({
      systemd: { MemoryMax: '1288490188' },
      kernel: { 'memory.max': '1288486912' },
    });
    expect(ids({ MemoryMax: '60%' }, paged)).toEqual([]);
  });

  it('without a record, what systemd holds is what the kernel must hold', () => {
    const seen = observation({
      systemd: { MemoryMax: '67108864', IOWeight: '50', CPUWeight: 'idle' },
      kernel: { 'memory.max': '67108864', 'cpu.idle': '1' },
    });
    const { rows, findings } = compare(undefined, seen, context);
    expect(rows.map(({ property }) => property)).toEqual(['MemoryMax', 'CPUWeight', 'IOWeight']);
    expect(rows[0]).not.toHaveProperty('asked');
    expect(findings.map(({ id }) => id)).toEqual(['controller-not-delegated']);
  });

  it('without a record, finds a limit that only the kernel has', () => {
    expect(ids(undefined, observation({ kernel: { 'memory.max': '4096' } }))).toEqual([
      'kernel-differs',
    ]);
  });

  it('takes each device of a list for itself', () => {
    const systemd = { IOReadBandwidthMax: '/dev/vda 1000000\n/dev/vdb 2000000' };
    const seen = observation({
      systemd,
      kernel: { 'io.max': '254:0 rbps=1000000 wbps=max riops=max wiops=max' },
    });
    const devices = { '/dev/vda': '254:0', '/dev/vdb': '254:16' };
    expect(ids({ IOReadBandwidthMax: '/dev/vda 1M' }, seen, { devices })).toEqual([]);
    expect(ids(undefined, seen, { devices })).toEqual(['kernel-differs']);
    expect(ids({ IOReadBandwidthMax: '/dev/vda 9M' }, seen, { devices })).toEqual([
      'changed-since',
      'kernel-differs',
    ]);
  });

  it('asks nothing of a unit that has ended, or of the root slice', () => {
    const { cgroup: _, ...ended } = observation({ activeState: 'failed', kernel: {} });
    expect(ids({ MemoryMax: '64M' }, { ...ended, kernel: {} })).toEqual([]);
    expect(ids(undefined, observation({ unit: '-.slice', kind: 'slice', cgroup: '/' }))).toEqual(
      [],
    );
  });

  it('a scope that vanished in the middle is only compared with systemd', () => {
    const { cgroup: _, ...gone } = observation({ systemd: { MemoryMax: '67108864' } });
    expect(ids({ MemoryMax: '64M' }, { ...gone, kernel: {} })).toEqual([]);
  });

  it('a unit of the system is mended with sudo', () => {
    const seen = observation({
      unit: 'nix-daemon.service',
      kind: 'service',
      manager: 'system',
      systemd: { MemoryMax: '67108864' },
    });
    expect(compare(undefined, seen, context).findings[0]?.remedy).toBe(
      'sudo systemctl set-property --runtime nix-daemon.service MemoryMax=64M',
    );
  });

  it('a file that makes no sense is a finding', () => {
    const seen = observation({ systemd: { MemoryMax: '4096' }, kernel: { 'memory.max': '?' } });
    expect(ids({ MemoryMax: '4K' }, seen)).toEqual(['unreadable-kernel-file']);
  });
});

describe('the livelock between MemoryHigh and MemoryMax', () => {
  const systemd = { MemoryHigh: '41943040', MemoryMax: '209715200', MemorySwapMax: '0' };
  const kernel = {
    'memory.high': '41943040',
    'memory.max': '209715200',
    'memory.swap.max': '0',
  };
  const pressure = (percent: string) =>
    `some avg10=${percent} avg60=0.00 avg300=0.00 total=1\n` +
    `full avg10=${percent} avg60=0.00 avg300=0.00 total=1`;

  it('is a danger, and a problem once the unit stalls', () => {
    expect(ids(undefined, observation({ systemd, kernel }))).toEqual([
      'high-below-max-without-swap',
    ]);
    const seen = observation({
      systemd,
      kernel: { ...kernel, 'memory.pressure': pressure('73.47') },
    });
    const [finding] = compare(undefined, seen, context).findings;
    expect(finding).toMatchObject({ id: 'livelock', severity: 'problem' });
    expect(finding?.cause).toContain('73% of the time');
    expect(finding?.remedy).toContain('rlimit kill rlimit-a-1.scope');
    expect(finding?.remedy).toContain(
      'set-property --runtime rlimit-a-1.scope MemoryHigh=infinity',
    );
  });

  it('is no stall while there is page cache to take back', () => {
    const files = {
      ...kernel,
      'memory.pressure': pressure('73.47'),
      'memory.current': '41943040',
    };
    const seen = (cache: number) => {
      const stat = `anon 1\nactive_file ${cache}\ninactive_file 0`;
      return ids(undefined, observation({ systemd, kernel: { ...files, 'memory.stat': stat } }));
    };
    expect(seen(20_000_000)).toEqual(['high-below-max-without-swap']);
    expect(seen(100_000)).toEqual(['livelock']);
  });

  it('is not there with swap to go to, without MemoryHigh, or with MemoryMax at it', () => {
    const quiet = { ...kernel, 'memory.pressure': pressure('0.00') };
    const withSwap = { ...quiet, 'memory.swap.max': 'max' };
    const seen = (files: Record<string, string>) => observation({ kernel: files });
    const stalls = (files: Record<string, string>, more = {}) =>
      ids(undefined, seen(files), more).filter((id) => /livelock|high-below/.test(id));
    expect(stalls(withSwap)).toEqual([]);
    expect(stalls(withSwap, { swap: 0 })).toEqual(['high-below-max-without-swap']);
    expect(stalls({ ...quiet, 'memory.high': 'max' })).toEqual([]);
    expect(stalls({ ...quiet, 'memory.max': '41943040' })).toEqual([]);
  });
});
