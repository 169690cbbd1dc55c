import { describe, expect, it } from 'vitest';
import { look, outcome, place } from './place.js';

describe('cgroup', () => {
  const mounts = (...types: string[]) => ({
    'proc/self/mounts': types.map((type, at) => `x /sys/fs/cgroup/${at} ${type} rw 0 0\n`).join(''),
  });
  const unified = (controllers: string) => ({
    ...mounts('cgroup2'),
    'sys/fs/cgroup/cgroup.controllers': controllers,
  });

  it.each([
    ['v2', unified('cpuset cpu io memory pids misc\n'), ['ok']],
    ['v2 without memory', unified('cpu io pids\n'), ['problem', 'problem cgroup-not-unified']],
    ['hybrid', mounts('cgroup', 'cgroup2'), ['problem', 'problem cgroup-not-unified']],
    ['v1', mounts('cgroup', 'cgroup'), ['problem', 'problem cgroup-not-unified']],
    ['none', mounts('ext4'), ['unknown']],
    ['no /proc', {}, ['unknown']],
  ])('%s', async (_, files, expected) => {
    expect(await outcome('cgroup', place(files))).toEqual(expected);
  });

  it('tells hybrid from v1', async () => {
    const cause = async (files: Record<string, string>) =>
      (await look('cgroup', place(files))).check.findings[0]?.cause;
    expect(await cause(mounts('cgroup', 'cgroup2'))).toContain('hybrid');
    expect(await cause(mounts('cgroup'))).toContain('cgroup v1 (1 v1');
  });
});

describe('versions', () => {
  const on = (kernel: string, systemd?: string) =>
    place(
      { 'proc/sys/kernel/osrelease': `${kernel}\n` },
      systemd === undefined ? {} : { 'systemctl --version': systemd },
    );

  it.each([
    ['new ones', on('6.12.1', 'systemd 257 (257.8)\n'), ['ok']],
    [
      '252',
      on('6.1.0-13', 'systemd 252 (252.5)\n'),
      ['warning', 'warning systemd-too-old OOMPolicy for scopes'],
    ],
    [
      '249 on Linux 5.15',
      on('5.15.0', 'systemd 249 (x)\n'),
      [
        'warning',
        'warning systemd-too-old cpu delegated to users’ managers',
        'warning systemd-too-old OOMPolicy for scopes',
        'warning kernel-too-old memory.peak',
      ],
    ],
    ['no systemctl', on('6.12.1'), ['unknown']],
    ['a strange answer', on('6.12.1', 'busybox\n'), ['unknown']],
    ['a strange kernel', on('unreal', 'systemd 257 (x)\n'), ['unknown']],
    ['no /proc', place(), ['unknown']],
  ])('%s', async (_, here, expected) => {
    expect(await outcome('versions', here)).toEqual(expected);
  });

  it('says what rlimit does without a thing nobody misses', async () => {
    const { check } = await look('versions', on('6.1.0', 'systemd 254 (x)\n'));
    expect(check.status).toBe('ok');
    expect(check.evidence[1]).toMatch(/^no EffectiveMemoryMax \(from 256\)/);
  });
});

describe('psi', () => {
  const figures =
    'some avg10=0.00 avg60=1.50 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.50 avg300=0.00 total=1\n';
  const all = Object.fromEntries(
    ['memory', 'cpu', 'io'].map((name) => [`proc/pressure/${name}`, figures]),
  );

  it.each([
    ['there', all, ['ok']],
    ['not there', {}, ['warning', 'warning pressure-off']],
    ['in part', { 'proc/pressure/cpu': figures }, ['warning', 'warning pressure-off']],
    ['in another format', { ...all, 'proc/pressure/io': 'some 3\n' }, ['unknown']],
  ])('%s', async (_, files, expected) => {
    expect(await outcome('psi', place(files))).toEqual(expected);
  });

  it('names the option that switched it off', async () => {
    const { check } = await look('psi', place({ 'proc/cmdline': 'quiet psi=0\n' }));
    expect(check.findings[0]?.cause).toContain('booted with psi=0');
  });
});
