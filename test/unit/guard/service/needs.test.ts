import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type ServiceSettings, serviceNeeds } from '../../../../src/guard/service/index.js';

const root = mkdtempSync(join(tmpdir(), 'rlimit-needs-'));
afterAll(() => rmSync(root, { recursive: true }));
const script = join(root, 'rlimit');
writeFileSync(script, '');
mkdirSync(join(root, 'gpu/proc/driver/nvidia'), { recursive: true });
writeFileSync(join(root, 'gpu/proc/driver/nvidia/version'), '');
mkdirSync(join(root, 'bin'));
writeFileSync(join(root, 'bin/bpftrace'), '');
chmodSync(join(root, 'bin/bpftrace'), 0o755);

const all: ServiceSettings = {
  gpu_protection: { enabled: true },
  nvidia_monitor: { enabled: true, set_performance_mode: true },
  ebpf_monitor: { enabled: true },
  machine_learning: { data_collection: true, log_path: '/var/log/data.csv' },
};
const off: ServiceSettings = {
  gpu_protection: { enabled: false },
  nvidia_monitor: { enabled: false, set_performance_mode: true },
  ebpf_monitor: { enabled: false },
  machine_learning: { data_collection: false, log_path: '/var/log/data.csv' },
};

const facts = { script, node: '/usr/bin/node' };
const there = { env: { PATH: join(root, 'bin') }, root: join(root, 'gpu') };
const bare = { env: { PATH: '/nowhere' }, root: '/nowhere' };
const of = (
  settings: ServiceSettings,
  place: typeof there,
  manager: 'system' | 'user' = 'system',
) => serviceNeeds(settings, { manager, args: ['--config', '/c'], facts, ...place });

describe('what the service may do', () => {
  it('is what the settings ask and the machine has', () => {
    expect(of(all, there)).toEqual({
      manager: 'system',
      argv: [script, 'guard', 'run', '--config', '/c'],
      path: [],
      writable: ['/var/log'],
      ebpf: true,
      gpu: true,
      gpuSettings: true,
    });
  });

  it.each([
    [all, bare],
    [off, there],
  ])('is nothing where one of them is missing', (settings, place) => {
    expect(of(settings, place)).toMatchObject({ ebpf: false, gpu: false, gpuSettings: false });
  });

  it('is no more than a user has', () => {
    expect(of(all, there, 'user')).toMatchObject({ ebpf: false, gpu: false, gpuSettings: false });
  });

  it('has the directory of a Node that systemd would not find', () => {
    const { path } = serviceNeeds(off, {
      manager: 'user',
      args: [],
      facts: { script, node: '/home/u/.nvm/bin/node' },
    });
    expect(path).toEqual(['/home/u/.nvm/bin']);
  });

  it.each(['', 'dist/main.cjs', '/nowhere/rlimit'])('is not known for an rlimit at %j', (from) => {
    const options = { manager: 'user', args: [], facts: { script: from, node: '/n' } } as const;
    expect(() => serviceNeeds(off, options)).toThrow(/not known where rlimit is installed/);
  });
});
