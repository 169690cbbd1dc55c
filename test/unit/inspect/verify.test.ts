import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filesToVerify, type KernelContext, verifyKernel } from '../../../src/inspect/index.js';
import { meaningOf } from '../../../src/inspect/meaning.js';
import type { Finding } from '../../../src/model/index.js';
import { PROPERTY_NAMES } from '../../../src/properties/index.js';
import { formatBytes, formatCpuQuota } from '../../../src/quantity/index.js';

const ALL = ['cpu', 'cpuset', 'io', 'memory', 'pids'] as const;
const context: KernelContext = { controllers: ALL, systemd: 257, swap: 1, uid: 1000 };

const ids = (findings: Finding[]) => findings.map(({ id }) => id);
const verify = (property: string, value: string, kernel: Record<string, string>, more = {}) =>
  verifyKernel({ [property]: value }, kernel, { ...context, ...more });

describe('in force', () => {
  // property, as asked, file, what the kernel holds (seen on systemd 252, 257 and 262)
  const cases: [string, string, string, string][] = [
    ['MemoryMax', '150G', 'memory.max', '161061273600'],
    ['MemoryMax', 'infinity', 'memory.max', 'max'],
    // cut to whole pages of 4, 16 and 64 KiB
    ['MemoryMax', '100000001', 'memory.max', '99999744'],
    ['MemoryMax', '100000001', 'memory.max', '99991552'],
    ['MemoryMax', '100000001', 'memory.max', '99942400'],
    ['MemoryHigh', '50M', 'memory.high', '52428800'],
    ['MemoryLow', '200M', 'memory.low', '209715200'],
    ['MemorySwapMax', '0', 'memory.swap.max', '0'],
    ['CPUQuota', '2700%', 'cpu.max', '2700000 100000'],
    ['CPUQuota', '12.34%', 'cpu.max', '12340 100000'],
    // too small for 100 ms: systemd makes the period longer, and writes 1 ms at least
    ['CPUQuota', '0.5%', 'cpu.max', '1000 200000'],
    ['CPUQuota', '0.05%', 'cpu.max', '1000 1000000'],
    // with CPUQuotaPeriodSec=7ms, 333.33% of it is 23333.1 µs
    ['CPUQuota', '333.33%', 'cpu.max', '23333 7000'],
    ['CPUQuota', '', 'cpu.max', 'max 100000'],
    ['CPUQuotaPeriodSec', '10ms', 'cpu.max', '5000 10000'],
    ['CPUQuotaPeriodSec', '10s', 'cpu.max', '500000 1000000'],
    ['CPUQuotaPeriodSec', '10ms', 'cpu.max', '1000 200000'],
    ['CPUWeight', '30', 'cpu.weight', '30'],
    ['TasksMax', '300', 'pids.max', '300'],
    ['TasksMax', 'infinity', 'pids.max', 'max'],
    ['AllowedCPUs', '0 1 2,3', 'cpuset.cpus', '0-3'],
    ['AllowedMemoryNodes', '0', 'cpuset.mems', '0'],
    ['IOWeight', '50', 'io.weight', 'default 50'],
    ['IOWeight', '50', 'io.bfq.weight', 'default 50'],
    ['IOWeight', '10000', 'io.bfq.weight', 'default 1000'],
    ['IOWeight', '200', 'io.bfq.weight', 'default 109'],
    ['IODeviceWeight', '/dev/vda 200', 'io.weight', 'default 100\n254:0 200'],
    [
      'IOReadBandwidthMax',
      '/dev/vda 1M',
      'io.max',
      '254:0 rbps=1000000 wbps=max riops=max wiops=max',
    ],
    ['IOWriteIOPSMax', '/dev/vda 120', 'io.max', '254:0 rbps=max wbps=max riops=max wiops=120'],
    ['OOMPolicy', 'continue', 'memory.max', 'max'],
  ];
  it.each(cases)('%s=%s with %s %j', (property, value, file, content) => {
    const devices = { '/dev/vda': '254:0' };
    expect(verify(property, value, { [file]: content }, { devices })).toEqual([]);
  });

  it('CPUWeight=idle lives in a file of its own', () => {
    const kernel = { 'cpu.weight': '0', 'cpu.idle': '1' };
    expect(verify('CPUWeight', 'idle', kernel)).toEqual([]);
    expect(ids(verify('CPUWeight', 'idle', { 'cpu.weight': '1', 'cpu.idle': '0' }))).toEqual([
      'kernel-differs',
    ]);
  });

  it('a percentage that only systemd can turn into bytes, when there is some limit', () => {
    expect(verify('MemoryMax', '60%', { 'memory.max': '1048576' })).toEqual([]);
    expect(ids(verify('MemoryMax', '60%', { 'memory.max': 'max' }))).toEqual(['kernel-differs']);
  });

  it('what needs nothing of the kernel, where it has nothing', () => {
    const none = { controllers: [] };
    expect(verify('MemoryMax', 'infinity', {}, none)).toEqual([]);
    expect(verify('CPUQuota', '', {}, none)).toEqual([]);
    expect(verify('MemorySwapMax', '0', {}, { swap: 0 })).toEqual([]);
    expect(verify('MemorySwapMax', '1G', {}, { swap: 0 })).toEqual([]);
    expect(verify('SomethingElse', '1', {}, none)).toEqual([]);
  });
});

describe('not in force', () => {
  const inert: [string, string, string, 'problem' | 'warning'][] = [
    ['IOWeight', '50', 'io', 'warning'],
    ['AllowedCPUs', '0', 'cpuset', 'warning'],
    ['MemoryMax', '1G', 'memory', 'problem'],
    ['MemorySwapMax', '0', 'memory', 'problem'],
    ['CPUQuota', '100%', 'cpu', 'problem'],
    ['TasksMax', '10', 'pids', 'problem'],
    ['CPUWeight', '10', 'cpu', 'warning'],
  ];
  it.each(inert)(
    '%s=%s without the %s controller is a %s',
    (property, value, missing, severity) => {
      const controllers = ALL.filter((name) => name !== missing);
      const [finding] = verify(property, value, {}, { controllers, unit: 'a.scope' });
      expect(finding).toMatchObject({
        id: 'controller-not-delegated',
        severity,
        unit: 'a.scope',
        property,
        wanted: value,
      });
      expect(finding?.cause).toContain(`the ${missing} controller is not delegated`);
      expect(finding?.cause).toContain('user@1000.service');
      expect(finding?.remedy).toContain('Delegate=cpu cpuset io memory pids');
      expect(finding?.remedy).toContain('systemctl restart user@1000.service');
      expect(finding?.remedy).toMatch(/as root.*session/);
    },
  );

  const causes: [string, string, string, Record<string, string>, Partial<KernelContext>, string][] =
    [
      [
        'a controller that is not enabled here',
        'IOWeight',
        '50',
        { 'cgroup.controllers': 'cpu memory' },
        {},
        'controller-not-enabled',
      ],
      [
        'a kernel without the file',
        'IOWeight',
        '50',
        { 'cgroup.controllers': 'cpu io' },
        {},
        'no-kernel-file',
      ],
      [
        'a kernel without swap accounting',
        'MemorySwapMax',
        '0',
        { 'cgroup.controllers': 'memory' },
        {},
        'no-swap-accounting',
      ],
      ['an old systemd', 'OOMPolicy', 'continue', {}, { systemd: 252 }, 'systemd-too-old'],
      ['an old systemd', 'MemoryZSwapMax', '0', {}, { systemd: 252 }, 'systemd-too-old'],
      ['another unit type', 'RuntimeMaxSec', '1h', {}, { kind: 'slice' }, 'not-for-unit-type'],
      ['a higher limit', 'MemoryMax', '1G', { 'memory.max': '2147483648' }, {}, 'kernel-differs'],
      ['no limit', 'CPUQuota', '100%', { 'cpu.max': 'max 100000' }, {}, 'kernel-differs'],
      ['an empty list', 'AllowedCPUs', '0', { 'cpuset.cpus': '' }, {}, 'kernel-differs'],
      [
        'no line for the device',
        'IOReadBandwidthMax',
        '/dev/vda 1M',
        { 'io.max': '' },
        {},
        'kernel-differs',
      ],
      [
        'a weight nobody reads',
        'IOWeight',
        '50',
        { 'io.weight': 'default 50' },
        { ioWeights: false },
        'io-weight-without-scheduler',
      ],
      ['a broken file', 'MemoryMax', '1G', { 'memory.max': '?' }, {}, 'unreadable-kernel-file'],
    ];
  it.each(causes)('%s: %s=%s', (_, property, value, kernel, more, id) => {
    const findings = verify(property, value, kernel, more);
    expect(ids(findings)).toEqual([id]);
    expect(findings[0]?.cause).not.toBe('');
  });

  it('a looser hard limit is a problem, a tighter one is not', () => {
    const severity = (property: string, value: string, kernel: Record<string, string>) =>
      verify(property, value, kernel)[0]?.severity;
    expect(severity('MemoryMax', '1G', { 'memory.max': 'max' })).toBe('problem');
    expect(severity('MemoryMax', '1G', { 'memory.max': '1048576' })).toBe('warning');
    expect(severity('CPUQuota', '100%', { 'cpu.max': '200000 100000' })).toBe('problem');
    expect(severity('CPUQuota', '100%', { 'cpu.max': '20000 100000' })).toBe('warning');
    expect(severity('TasksMax', '10', { 'pids.max': '11' })).toBe('problem');
    expect(severity('TasksMax', '10', { 'pids.max': '9' })).toBe('warning');
  });

  it('the remedy can be pasted', () => {
    const [finding] = verify('MemoryMax', '1G', { 'memory.max': 'max' }, { unit: 'a.scope' });
    expect(finding?.remedy).toBe('systemctl --user set-property --runtime a.scope MemoryMax=1G');
  });
});

describe('ancestors', () => {
  const kernel = { 'memory.max': '1073741824', 'cpu.max': '200000 100000', 'pids.max': '50' };
  const asked = { MemoryMax: '1G', CPUQuota: '200%', TasksMax: '50' };
  const under = (...ancestors: [string, Record<string, string>][]) =>
    verifyKernel(asked, kernel, {
      ...context,
      ancestors: ancestors.map(([cgroup, files]) => ({ cgroup, files })),
    });

  it('the tightest one is named', () => {
    const findings = under(
      ['/user.slice/user@1.service/app.slice', { 'memory.max': '536870912', 'pids.max': 'max' }],
      ['/user.slice', { 'memory.max': '268435456', 'cpu.max': '150000 100000' }],
    );
    expect(findings).toMatchObject([
      { id: 'ancestor-tighter', severity: 'warning', property: 'MemoryMax', observed: '256M' },
      { id: 'ancestor-tighter', severity: 'warning', property: 'CPUQuota', observed: '150%' },
    ]);
    expect(findings[0]?.cause).toContain('user.slice, above this unit');
    expect(findings[0]?.remedy).toContain(
      'sudo systemctl set-property --runtime user.slice MemoryMax=1G',
    );
    expect(findings[0]?.where).toBe('/user.slice');
  });

  it('memory.high above counts as well, and a unit of the user’s manager is the user’s to change', () => {
    const findings = under(['/user.slice/user@1.service/app.slice', { 'memory.high': '4096' }]);
    expect(findings).toMatchObject([{ property: 'MemoryMax', observed: '4K' }]);
    expect(findings[0]?.cause).toContain('app.slice, above this unit, has memory.high 4K');
    expect(findings[0]?.remedy).toContain(
      'systemctl --user set-property --runtime app.slice MemoryHigh=1G',
    );
  });

  it('one that is as tight, looser, silent or broken is not', () => {
    expect(
      under(
        ['/a', { 'memory.max': '1073741824', 'cpu.max': 'max 100000' }],
        ['/', {}],
        ['/b', { 'memory.max': '?' }],
      ),
    ).toEqual([]);
  });
});

describe('filesToVerify', () => {
  it('names each file once, and the ones that stand in for it', () => {
    expect(
      filesToVerify({ CPUQuota: '1%', CPUQuotaPeriodSec: '1s', IOWeight: '5', X: '' }),
    ).toEqual(['cgroup.controllers', 'cpu.max', 'io.weight', 'io.bfq.weight']);
  });
});

describe('for any figures', () => {
  it('a quota as systemd writes it is in force, and twice that is not', () => {
    const permyriad = fc.integer({ min: 10, max: 8192 * 10_000 });
    const period = fc.integer({ min: 1000, max: 1_000_000 });
    fc.assert(
      fc.property(permyriad, period, (share, wished) => {
        const perSecond = share * 100;
        // cgroup_cpu_adjust_period and cgroup_apply_unified_cpu_quota in systemd's src/core/cgroup.c
        const least = Math.floor(1_000_000_000 / perSecond);
        const used = Math.min(Math.max(wished, 1000, least), 1_000_000);
        const quota = Math.max(Math.floor((perSecond * used) / 1_000_000), 1000);
        const text = formatCpuQuota(perSecond);
        expect(verify('CPUQuota', text, { 'cpu.max': `${quota} ${used}` })).toEqual([]);
        expect(verify('CPUQuota', text, { 'cpu.max': `${quota * 2} ${used}` })).toMatchObject([
          { severity: 'problem' },
        ]);
      }),
    );
  });

  it('bytes cut to pages are in force, and a page more is not', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 45 }), (bytes) => {
        const held = Math.floor(bytes / 4096) * 4096;
        const text = formatBytes(bytes);
        expect(verify('MemoryMax', text, { 'memory.max': `${held}` })).toEqual([]);
        expect(verify('MemoryMax', text, { 'memory.max': `${held + 4096}` })).toHaveLength(1);
      }),
    );
  });

  it('never throws, whatever is asked and held', () => {
    const content = fc.oneof(fc.string(), fc.constant('max'), fc.nat().map(String));
    fc.assert(
      fc.property(
        fc.constantFrom(...PROPERTY_NAMES),
        content,
        fc.dictionary(
          fc.constantFrom(...filesToVerify({ MemoryMax: '1', IOWeight: '1' })),
          content,
        ),
        (name, value, kernel) => {
          expect(Array.isArray(verify(name, value, kernel))).toBe(true);
        },
      ),
    );
  });
});

it('a boolean, a span and a percentage have one form each', () => {
  expect(meaningOf('RuntimeMaxSec').asked('90min')).toBe(
    meaningOf('RuntimeMaxSec').shown('1h 30min'),
  );
  // systemctl shows the part of 2^32 - 1 (seen on 257).
  expect(meaningOf('ManagedOOMMemoryPressureLimit').shown('2383706849')).toBe(
    meaningOf('ManagedOOMMemoryPressureLimit').asked('55.5%'),
  );
  expect(meaningOf('ManagedOOMMemoryPressureLimit').shown('80%')).toBe(8000);
});
