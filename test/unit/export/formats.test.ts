import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exportProfiles, FORMAT_NAMES, FORMATS } from '../../../src/export/index.js';
import type { Format } from '../../../src/export/types.js';
import { BUILT_IN_NAMES } from '../../../src/profiles/catalog.js';
import { PROPERTY_NAMES } from '../../../src/properties/index.js';
import { body, LARGE, subject, write } from './subjects.js';

const WITH_NIX = 'nix-build';

/** A value for every property there is. */
const EVERYTHING: Record<string, string> = {
  MemoryMin: '1G',
  MemoryLow: '2G',
  MemoryHigh: '6G',
  MemoryMax: '8G',
  MemorySwapMax: '1G',
  MemoryZSwapMax: '1G',
  CPUQuota: '150%',
  CPUQuotaPeriodSec: '50ms',
  CPUWeight: '50',
  AllowedCPUs: '0-3,8',
  AllowedMemoryNodes: '0',
  IOWeight: '50',
  IODeviceWeight: '/dev/vda 200',
  IOReadBandwidthMax: '/dev/vda 10M',
  IOWriteBandwidthMax: '/dev/vda 5M',
  IOReadIOPSMax: '/dev/vda 1K',
  IOWriteIOPSMax: '/srv/data 500',
  TasksMax: '100',
  IPAddressAllow: 'localhost 10.0.0.0/8',
  IPAddressDeny: 'any',
  IPAccounting: 'yes',
  OOMPolicy: 'stop',
  RuntimeMaxSec: '1d 2h',
  ManagedOOMSwap: 'kill',
  ManagedOOMMemoryPressure: 'kill',
  ManagedOOMMemoryPressureLimit: '80%',
  ManagedOOMPreference: 'avoid',
};

it('the list of values is complete', () => {
  expect(Object.keys(EVERYTHING)).toEqual(PROPERTY_NAMES);
});

describe.each(FORMAT_NAMES)('%s', (format) => {
  it('says every property, or that it cannot', async () => {
    const exported = await write(format, WITH_NIX, EVERYTHING);
    const { text, cannot } = exported;
    expect(cannot.map(({ what }) => what).sort()).toMatchSnapshot();
    for (const { what, value, why } of cannot) {
      expect(text.replace(/\n\s*#\s+/g, ' ')).toContain(`${what}=${value}`);
      expect(why).not.toBe('');
    }
    expect(body(exported).join('\n')).toMatchSnapshot();
  });

  it('begins with what it stands for, in comments', async () => {
    const { text } = await write(format, WITH_NIX);
    const lines = text.split('\n').filter((line) => !line.startsWith('#!'));
    expect(lines[0]).toMatch(new RegExp(`^# Written by \`rlimit export ${format}.* nix-build\`,$`));
    expect(lines[1]).toBe(
      '# for a machine of 36 cores (72 CPUs), 252G of memory, 8G of swap, systemd 257.',
    );
    expect(text.endsWith('\n')).toBe(true);
  });

  it('says of infinity that it is no limit', async () => {
    const unlimited = { MemoryMax: 'infinity', MemoryHigh: 'infinity', TasksMax: 'infinity' };
    const rest = { CPUQuota: '', RuntimeMaxSec: 'infinity', MemorySwapMax: 'infinity' };
    const { text } = await write(format, WITH_NIX, { ...unlimited, ...rest });
    expect(text.replaceAll('/dev/null', '')).not.toMatch(/NaN|undefined|null|Infinity/);
  });

  it('one file a profile, or several in one', async () => {
    const { many } = FORMATS[format] as Format;
    const both = [await subject(WITH_NIX), await subject('nix-daemon')];
    const work = () => exportProfiles(format, both, { machine: LARGE, shell: 'bash' });
    if (many) expect(work().text).toContain('Profile nix-daemon (built-in)');
    else expect(work).toThrow(`a file of ${format} is for one profile`);
  });

  it('refuses options that it does not use', async () => {
    const { uses } = FORMATS[format] as Format;
    for (const option of ['unit', 'name', 'image', 'health'] as const) {
      if (uses.includes(option)) continue;
      await expect(write(format, WITH_NIX, {}, { [option]: 'x' })).rejects.toThrow(
        `${format} does not use --${option}`,
      );
    }
  });

  it('does not let a summary out of its comment', async () => {
    const one = await subject(WITH_NIX);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (summary) => {
        const evil = { ...one, profile: { ...one.profile, summary: `${summary}\\` } };
        const target = { machine: LARGE, shell: 'bash' } as const;
        const [usual, other] = [one, evil].map((each) => exportProfiles(format, [each], target));
        expect(body(other as typeof usual & object)).toEqual(body(usual as typeof other & object));
        expect(other?.text).not.toMatch(/^\s*#.*\\$/m);
      }),
    );
  });
});

describe('all profiles of the catalog', () => {
  const formats = FORMAT_NAMES.filter((format) => format !== 'nix.conf');

  it.each(BUILT_IN_NAMES)('%s', async (name) => {
    for (const format of formats) {
      const { text } = await write(format, name);
      expect(text).toContain(name);
      expect(text).not.toMatch(/NaN|undefined/);
    }
  });
});

describe('units', () => {
  it('a slice has a section of its own, and no OOMPolicy and no variables', async () => {
    const exported = await write('systemd', WITH_NIX, {}, { unit: 'build.slice' });
    expect(body(exported)).toContain('[Slice]');
    expect(exported.cannot.map(({ what }) => what)).toEqual(['OOMPolicy', 'environment']);
  });

  it('a systemd that is too old does not get what it would refuse', async () => {
    const machine = { ...LARGE, systemd: 252 };
    const one = await subject('ollama', { MemoryZSwapMax: '1G' });
    const { cannot } = exportProfiles('systemd', [one], { machine, shell: 'bash' });
    expect(cannot).toMatchObject([
      { what: 'MemoryZSwapMax', why: 'needs systemd 253 for a service, and this is 252' },
    ]);
  });

  it('hardening where it is asked for', async () => {
    const exported = await write('systemd', 'ollama', {}, { harden: true });
    expect(body(exported)).toEqual(
      expect.arrayContaining(['NoNewPrivileges=yes', 'CapabilityBoundingSet=']),
    );
  });

  it.each(['run.scope', '../x.service', 'a b', 'x.mount', ''])('refuses %j', async (unit) => {
    await expect(write('systemd', 'ollama', {}, { unit })).rejects.toThrow(/unit file|no service/);
  });

  it('takes templates', async () => {
    const { text } = await write('systemd', 'ollama', {}, { unit: 't3-serve@' });
    expect(text).toContain('/etc/systemd/system/t3-serve@.service.d/');
  });
});

describe('names', () => {
  it.each([
    ['docker-compose', 'a b'],
    ['kubernetes', 'Big'],
    ['kubernetes', 'a-'],
    ['make', 'a-b'],
    ['shell', 'a;b'],
    ['just', '{{x}}'],
    ['quadlet', '../x'],
    ['slurm', 'x\ny'],
  ] as const)('%s refuses %j', async (format, name) => {
    await expect(write(format, 'ollama', {}, { name })).rejects.toThrow('cannot be');
  });

  it('images and health checks stay on their line', async () => {
    await expect(write('quadlet', 'ollama', {}, { image: 'a\nb' })).rejects.toThrow('image');
    await expect(write('quadlet', 'ollama', {}, { health: 'a\nb' })).rejects.toThrow('--health');
    await expect(write('quadlet', 'ollama', {}, { health: 'a \\' })).rejects.toThrow('--health');
  });
});

describe('Nix', () => {
  it('half of the cores, one each, six hours', async () => {
    expect(body(await write('nix.conf', WITH_NIX))).toEqual([
      'max-jobs = 18',
      'cores = 1',
      'timeout = 21600',
    ]);
  });

  it('nothing to say for another profile', async () => {
    await expect(write('nix.conf', 'ollama')).rejects.toThrow('says nothing of Nix');
  });

  it('two profiles for one unit are refused', async () => {
    const both = [await subject('nix-build'), await subject('nix-build')];
    expect(() => exportProfiles('nixos', both, { machine: LARGE, shell: 'bash' })).toThrow('twice');
  });
});
