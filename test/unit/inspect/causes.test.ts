/** Which of several causes is named. */
import { describe, expect, it } from 'vitest';
import { compare, type KernelContext } from '../../../src/inspect/index.js';
import type { Observation } from '../../../src/model/index.js';
import type { Setting } from '../../../src/systemd/settings.js';

const context: KernelContext = {
  controllers: ['cpu', 'memory', 'pids'],
  swap: 1,
  memory: 2 * 1024 ** 3,
  uid: 1000,
  settings: {},
};

function observation(more: Partial<Observation> = {}): Observation {
  return {
    unit: 'rlimit-a-1.scope',
    kind: 'scope',
    manager: 'user',
    loadState: 'loaded',
    activeState: 'active',
    cgroup: '/user.slice/user@1000.service/app.slice/rlimit-a-1.scope',
    systemd: { MemoryMax: '134217728', TasksMax: 'infinity' },
    kernel: {
      'cgroup.controllers': 'memory pids',
      'memory.max': '134217728',
      'pids.max': 'max',
    },
    usage: {},
    ...more,
  };
}

const setting = (text: string, source: Setting['source'] = 'drop-in'): Setting => ({
  text,
  file: '/etc/x.conf',
  line: 7,
  source,
});
const find = (
  asked: Record<string, string> | undefined,
  more: KernelContext,
  seen = observation(),
) => compare(asked, seen, { ...context, ...more });

describe('what overrides a limit', () => {
  const asked = { MemoryMax: '64M' };

  it('is the drop-in whose value systemd holds, by file and line', () => {
    const { findings, rows } = find(asked, { settings: { MemoryMax: setting('128M') } });
    expect(findings).toMatchObject([
      { id: 'overridden-by-drop-in', severity: 'problem', where: '/etc/x.conf:7' },
    ]);
    expect(findings[0]?.cause).toContain('a drop-in overrides it, /etc/x.conf:7');
    expect(rows[0]).toMatchObject({ inForce: false, setting: { line: 7 } });
  });

  it('is not a drop-in that says something else than systemd holds', () => {
    const { findings } = find(asked, { settings: { MemoryMax: setting('1G') } });
    expect(findings).toMatchObject([{ id: 'changed-since' }]);
    expect(findings[0]).not.toHaveProperty('where');
    expect(findings[0]?.cause).toContain('systemctl set-property, or over D-Bus');
  });

  it('is set-property where its file says so', () => {
    const runtime = setting('134217728', 'set-property --runtime');
    const { findings } = find(asked, { settings: { MemoryMax: runtime } });
    expect(findings).toMatchObject([{ id: 'changed-since', where: '/etc/x.conf:7' }]);
    expect(findings[0]?.cause).toContain('systemctl set-property --runtime, kept in');
  });

  it('may be what stands in a file that cannot be read', () => {
    const { findings } = find(asked, { unreadSettings: { '/etc/dark.conf': 'EACCES' } });
    expect(findings[0]?.cause).toContain('/etc/dark.conf cannot be read (EACCES) and may say so');
  });

  it('is a file that systemd has not read again', () => {
    const onDisk = { MemoryMax: setting('64M', 'unit file') };
    const { findings } = find(asked, { onDisk });
    expect(findings).toMatchObject([
      {
        id: 'daemon-reload-missing',
        where: '/etc/x.conf:7',
        remedy: 'systemctl --user daemon-reload',
      },
    ]);
    // Nobody asked: the file is what is wanted. That a file has more than systemd loaded is no
    // trouble where they agree.
    expect(find(undefined, { onDisk }).findings).toMatchObject([{ id: 'daemon-reload-missing' }]);
    expect(find(undefined, { onDisk: { MemoryMax: setting('128M') } }).findings).toEqual([]);
    expect(find(undefined, { onDisk: { TasksMax: setting('') } }).findings).toEqual([]);
  });

  it('is somebody’s hand where systemd holds one value and the kernel another', () => {
    const seen = observation({ kernel: { ...observation().kernel, 'memory.max': 'max' } });
    const { findings } = find({ MemoryMax: '128M' }, {}, seen);
    expect(findings).toMatchObject([{ id: 'kernel-differs', observed: 'infinity' }]);
    expect(findings[0]?.cause).toContain('somebody wrote to that file by hand');
  });
});

describe('against a profile', () => {
  const profile = { profile: 'nix-daemon' };
  const service = { unit: 'a.service', kind: 'service', manager: 'system' } as const;

  it('a difference is told with the line that sets it for good', () => {
    const { findings } = find({ MemoryMax: '8G', OOMPolicy: 'continue' }, profile, {
      ...observation(service),
      systemd: { MemoryMax: 'infinity', OOMPolicy: 'stop' },
      kernel: { ...observation().kernel, 'memory.max': 'max' },
    });
    expect(findings.map(({ id, remedy }) => [id, remedy])).toEqual([
      ['differs-from-profile', 'sudo systemctl set-property a.service MemoryMax=8G'],
      [
        'differs-from-profile',
        'sudo mkdir -p "/etc/systemd/system/a.service.d"\n' +
          "printf '[Service]\\nOOMPolicy=continue\\n' |\n" +
          'sudo tee "/etc/systemd/system/a.service.d/50-OOMPolicy.conf"\n' +
          'sudo systemctl daemon-reload',
      ],
    ]);
    expect(findings[0]?.cause).toContain('none of its files sets it');
  });

  it('who says otherwise is named, and a value that agrees is in force', () => {
    const settings = { MemoryMax: setting('128M') };
    const { findings } = find({ MemoryMax: '64M' }, { ...profile, settings });
    expect(findings).toMatchObject([{ id: 'differs-from-profile', where: '/etc/x.conf:7' }]);
    expect(findings[0]?.cause).toContain('a drop-in, /etc/x.conf:7, says so');
    const { rows } = find({ MemoryMax: '128M' }, { ...profile, rules: { MemoryMax: 'half' } });
    expect(rows[0]).toMatchObject({ inForce: true, rule: 'half', shown: 'MemoryMax=134217728' });
  });

  it('a unit that does not run has nothing in force, and may differ all the same', () => {
    const { cgroup, ...idle } = observation({ activeState: 'inactive', kernel: {} });
    const { rows, findings } = find({ MemoryMax: '128M', TasksMax: '5' }, profile, idle);
    expect(rows).toMatchObject([
      { property: 'MemoryMax', inForce: false, unchecked: true },
      { property: 'TasksMax', inForce: false, unchecked: true },
    ]);
    expect(findings).toMatchObject([{ id: 'differs-from-profile', property: 'TasksMax' }]);
  });
});

describe('above', () => {
  const ancestors = [{ cgroup: '/user.slice/a.slice', files: { 'memory.max': '104857600' } }];

  it('the tightest ancestor is part of the row, also of a property that nobody set', () => {
    const above = { cgroup: '/user.slice/a.slice', unit: 'a.slice', value: '100M' };
    const { rows } = find(undefined, { ancestors });
    expect(rows.map(({ property, ancestor }) => [property, ancestor])).toMatchObject([
      ['MemoryMax', above],
    ]);
    expect(find(undefined, { ancestors: [] }).rows[0]).not.toHaveProperty('ancestor');
  });

  it('CPUs that a slice does not have are told', () => {
    const cpus = (own: string, above: string) =>
      find(
        { AllowedCPUs: own },
        { ancestors: [{ cgroup: '/a.slice', files: { 'cpuset.cpus': above } }] },
        {
          ...observation({ systemd: { AllowedCPUs: own } }),
          kernel: { ...observation().kernel, 'cpuset.cpus': own, 'cpuset.cpus.effective': above },
        },
      );
    expect(cpus('0-3', '0,1').findings).toMatchObject([
      { id: 'ancestor-tighter', wanted: '0-3', observed: '0-1', where: '/a.slice' },
    ]);
    expect(cpus('0', '0-1').findings).toEqual([]);
    expect(cpus('0', '1').findings).toMatchObject([{ id: 'ancestor-tighter' }]);
    expect(cpus('0', '').findings).toEqual([]);
    expect(cpus('0', '0-1').rows[0]?.ancestor).toMatchObject({ unit: 'a.slice', value: '0-1' });
  });

  it('a percentage that the ancestor makes void is explained', () => {
    const percent = { MemoryMax: setting('6.25%', 'unit file') };
    const { rows, findings } = find(undefined, { ancestors, settings: percent });
    expect(rows.find(({ property }) => property === 'MemoryMax')?.rule).toBe(
      '6.25% of 2G installed',
    );
    expect(findings.map(({ id }) => id)).toEqual(['percent-of-machine', 'ancestor-tighter']);
    expect(findings[0]?.cause).toContain('makes 128M, and not of what a.slice above allows, 100M');
    expect(findings[0]?.remedy).toContain('MemoryMax=6553600');
    // Another value than that percentage: somebody set it since.
    const other = { MemoryMax: setting('50%', 'unit file') };
    expect(find(undefined, { ancestors: [], settings: other }).rows[0]).not.toHaveProperty('rule');
  });
});

describe('what was not looked at', () => {
  it('is not in force', () => {
    const { cgroup, ...gone } = observation({ kernel: {} });
    expect(find({ MemoryMax: '128M' }, {}, gone).rows).toMatchObject([
      { inForce: false, unchecked: true },
    ]);
    const foreign = find(undefined, {}, { ...observation(), systemd: {} });
    expect(foreign).toMatchObject({
      rows: [{ property: 'MemoryMax', kernel: '128M', inForce: false, unchecked: true }],
      findings: [],
    });
  });

  it('for want of permission is a warning', () => {
    const { 'memory.max': _, ...kernel } = observation().kernel;
    const unreadable = { 'memory.max': 'permission denied' };
    const { rows, findings } = find({ MemoryMax: '128M' }, {}, observation({ kernel, unreadable }));
    expect(findings).toMatchObject([{ id: 'unreadable-kernel-file', severity: 'warning' }]);
    expect(rows[0]?.inForce).toBe(false);
  });
});

describe('a controller that ends', () => {
  const io = { IOWeight: '50' };
  const seen = observation({ systemd: { IOWeight: '50' } });

  it('above the user’s manager is not delegated; the level is named', () => {
    const lost = { io: { cgroup: '/', why: 'delegation' } } as const;
    const [finding] = find(io, { lost }, seen).findings;
    expect(finding).toMatchObject({ id: 'controller-not-delegated', where: '/' });
    expect(finding?.cause).toContain('the root cgroup is the first not to pass it on');
  });

  it('at the root is not in the kernel', () => {
    const lost = { io: { cgroup: '/', why: 'kernel' } } as const;
    expect(find(io, { lost }, seen).findings).toMatchObject([{ id: 'no-kernel-file', where: '/' }]);
  });

  it('at a unit is disabled there, or was taken away by hand', () => {
    const at = { cgroup: '/user.slice/user@1000.service/app.slice', why: 'unit' } as const;
    const controllers = ['io', 'memory', 'pids'] as const;
    const by = find(io, { controllers, lost: { io: { ...at, disabledBy: 'a.slice' } } }, seen);
    expect(by.findings).toMatchObject([
      {
        id: 'controller-not-enabled',
        remedy:
          'systemctl --user set-property --runtime a.slice DisableControllers=\n' +
          'systemctl --user set-property --runtime rlimit-a-1.scope IOWeight=50',
      },
    ]);
    const hand = find(io, { controllers, lost: { io: at } }, seen);
    expect(hand.findings[0]?.cause).toContain('app.slice does not pass it on');
    expect(hand.findings[0]?.cause).toContain('by hand');
  });
});
