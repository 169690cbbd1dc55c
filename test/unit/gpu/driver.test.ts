import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkDriver, judgeDriver, readPolicy, readUpgrades } from '../../../src/gpu/driver.js';
import type { Answer } from '../../../src/gpu/program.js';

const root = mkdtempSync(join(tmpdir(), 'rlimit-driver-'));
afterAll(() => rmSync(root, { recursive: true }));

/** As apt 2.6 prints it. */
const POLICY = `nvidia-driver:
  Installed: 525.147.05-4~deb12u1
  Candidate: 535.183.01-1~deb12u1
  Version table:
     535.183.01-1~deb12u1 500
        500 http://mirror.example/debian bookworm/non-free amd64 Packages
 *** 525.147.05-4~deb12u1 100
        100 /var/lib/dpkg/status
nvidia-kernel-dkms:
  Installed: 525.147.05-4~deb12u1
  Candidate: 525.147.05-4~deb12u1
  Version table:
 *** 525.147.05-4~deb12u1 100
        100 /var/lib/dpkg/status
nvidia-open:
  Installed: (none)
  Candidate: 560.35-1
`;
/** As dnf 4 and 5 print it. */
const UPGRADES = `Available Upgrades
akmod-nvidia.x86_64              3:560.35.03-1.fc40        rpmfusion-nonfree-updates
nvidia-driver.noarch             560.35.03-1               cuda
`;

describe('what package managers tell', () => {
  it('by apt-cache policy', () => {
    expect(readPolicy(POLICY)).toEqual([
      {
        name: 'nvidia-driver',
        installed: '525.147.05-4~deb12u1',
        candidate: '535.183.01-1~deb12u1',
      },
      {
        name: 'nvidia-kernel-dkms',
        installed: '525.147.05-4~deb12u1',
        candidate: '525.147.05-4~deb12u1',
      },
    ]);
    expect(readPolicy('')).toEqual([]);
  });

  it('by dnf', () => {
    expect([...readUpgrades(UPGRADES)]).toEqual([
      ['akmod-nvidia', '560.35.03-1.fc40'],
      ['nvidia-driver', '560.35.03-1'],
    ]);
  });
});

describe('the verdict', () => {
  const packages = [{ name: 'nvidia-driver', installed: '1', candidate: '1' }];

  it.each([
    [{ packages: [] }, 'none', /no NVIDIA driver is loaded/],
    [{ loaded: '535.1', tools: '550.2', packages: [] }, 'reboot', /runs driver 535.1, and 550.2/],
    [{ loaded: '535.1', packages: [] }, 'unknown', /neither dpkg nor rpm/],
    [{ loaded: '535.1', manager: 'apt', packages: [] }, 'unknown', /not from a package/],
    [{ loaded: '535.1', manager: 'apt', packages }, 'current', /apt has here: nvidia-driver 1$/],
    [{ manager: 'apt', packages: readPolicy(POLICY) }, 'update', /nvidia-driver 525\S+ → 535\S+$/],
  ] as const)('of %j is %s', (facts, verdict, says) => {
    const report = judgeDriver({ ...facts, packages: [...facts.packages] });
    expect(report.verdict).toBe(verdict);
    expect(report.says).toMatch(says);
  });
});

describe('the check', () => {
  const answers = (table: Record<string, string>) => async (argv: readonly string[]) => {
    const out = table[argv[0] ?? ''];
    return (
      out === undefined ? { kind: 'absent' } : { kind: 'answered', status: 0, out, err: '' }
    ) as Answer;
  };

  it.each([
    ['NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024', '535.183.01'],
    ['NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build  (a@b)', '570.86.15'],
    ['something else', undefined],
  ])('reads the loaded module: %s', async (line, loaded) => {
    mkdirSync(join(root, 'proc/driver/nvidia'), { recursive: true });
    const text = `NVRM version: ${line}\nGCC version:  gcc version 12.2.0 (Debian)\n`;
    writeFileSync(join(root, 'proc/driver/nvidia/version'), text);
    const report = await checkDriver(undefined, { root, ask: answers({}) });
    expect(report.loaded).toBe(loaded);
  });

  it('on Debian compares with what apt would install', async () => {
    const ask = answers({
      'dpkg-query': 'ii |nvidia-driver\nrc |nvidia-open\nii |nvidia-kernel-dkms\n',
      'apt-cache': POLICY,
    });
    const report = await checkDriver(undefined, { root: '/nowhere', ask });
    expect(report).toMatchObject({ verdict: 'update', packages: [{}, {}] });
  });

  it('on Fedora compares with what dnf would', async () => {
    const ask = answers({
      rpm: 'akmod-nvidia|550.90.07-1.fc40\nkmod-nvidia-6.9|550.90.07-1.fc40\n',
      dnf: UPGRADES,
    });
    const report = await checkDriver(undefined, { root: '/nowhere', ask });
    expect(report.says).toMatch(/akmod-nvidia 550.90.07-1.fc40 → 560.35.03-1.fc40$/);
  });

  it('says that it does not know where the package manager is silent', async () => {
    const ask = answers({ 'dpkg-query': 'ii |nvidia-driver\n' });
    expect(await checkDriver('1.2', { root, ask })).toMatchObject({
      tools: '1.2',
      verdict: 'unknown',
    });
  });
});
