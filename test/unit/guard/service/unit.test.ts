import { describe, expect, it } from 'vitest';
import { guardUnit, type ServiceNeeds } from '../../../../src/guard/service/unit.js';
import { parseUnitFile } from '../../../../src/systemd/unit-file.js';

const least: ServiceNeeds = {
  manager: 'system',
  argv: ['/usr/local/bin/rlimit', 'guard', 'run'],
  path: [],
  writable: [],
  ebpf: false,
  gpu: false,
  gpuSettings: false,
};

/** Values of a setting, as systemd reads them. */
function valuesOf(needs: Partial<ServiceNeeds>, name: string): string[] {
  return parseUnitFile(guardUnit({ ...least, ...needs }))
    .filter((each) => each.name === name)
    .map(({ value }) => value);
}

describe('the unit', () => {
  it('waits for the word of the guard, watches it, and reloads it by SIGHUP', () => {
    expect(valuesOf({}, 'Type')).toEqual(['notify']);
    expect(valuesOf({}, 'NotifyAccess')).toEqual(['all']);
    expect(valuesOf({}, 'WatchdogSec')).toEqual(['30s']);
    expect(valuesOf({}, 'ExecReload')).toEqual(['/bin/kill -HUP $MAINPID']);
  });

  it('has memory of its own where that counts, and is the last to be killed', () => {
    expect(valuesOf({}, 'Slice')).toEqual(['-.slice']);
    expect(valuesOf({}, 'MemoryMin')).toEqual(['96M']);
    expect(valuesOf({}, 'MemorySwapMax')).toEqual(['0']);
    expect(valuesOf({}, 'OOMScoreAdjust')).toEqual(['-900']);
  });

  it('of a user has only what a user can give', () => {
    const user = { manager: 'user' } as const;
    for (const name of ['MemoryMin', 'OOMScoreAdjust', 'Slice', 'CapabilityBoundingSet']) {
      expect(valuesOf(user, name)).toEqual([]);
    }
    expect(valuesOf(user, 'MemorySwapMax')).toEqual(['0']);
    expect(valuesOf(user, 'WantedBy')).toEqual(['default.target']);
  });

  const LEAST = 'CAP_KILL CAP_SYS_RESOURCE CAP_DAC_OVERRIDE CAP_SYS_PTRACE';

  it.each([
    [{}, LEAST],
    [{ ebpf: true }, `${LEAST} CAP_BPF CAP_PERFMON CAP_SYS_ADMIN`],
    [{ gpu: true }, LEAST],
    [{ gpu: true, gpuSettings: true }, `${LEAST} CAP_SYS_ADMIN`],
  ])('with %j has the capabilities %s', (needs, capabilities) => {
    expect(valuesOf(needs, 'CapabilityBoundingSet')).toEqual([capabilities]);
  });

  it('hides devices, but for GPUs', () => {
    expect(valuesOf({}, 'PrivateDevices')).toEqual(['yes']);
    for (const name of ['PrivateDevices', 'ProtectClock', 'DeviceAllow']) {
      expect(valuesOf({ gpu: true }, name)).toEqual([]);
    }
  });

  it('may make eBPF programs only where it does', () => {
    expect(valuesOf({}, 'SystemCallFilter')).toEqual(['@system-service']);
    expect(valuesOf({ ebpf: true }, 'SystemCallFilter')).toEqual([
      '@system-service',
      'bpf perf_event_open',
    ]);
  });

  it('sees a file system that is read-only but for its logs', () => {
    expect(valuesOf({}, 'ProtectSystem')).toEqual(['strict']);
    expect(valuesOf({}, 'ReadWritePaths')).toEqual([]);
    expect(valuesOf({ writable: ['/var/log', '/srv/a b'] }, 'ReadWritePaths')).toEqual([
      '-/var/log "-/srv/a b"',
    ]);
  });

  it('quotes what systemd would read otherwise', () => {
    const argv = ['/opt/my node/rlimit', 'guard', 'run', '--config', '/a/100%/$HOME "x"\\y'];
    expect(valuesOf({ argv }, 'ExecStart')).toEqual([
      '"/opt/my node/rlimit" guard run --config "/a/100%%/$$HOME \\"x\\"\\\\y"',
    ]);
  });

  it('finds a Node that lies elsewhere', () => {
    expect(valuesOf({}, 'Environment')).toEqual([]);
    expect(valuesOf({ path: ['/root/.nvm/v22/bin'] }, 'Environment')).toEqual([
      'PATH=/root/.nvm/v22/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ]);
  });
});
