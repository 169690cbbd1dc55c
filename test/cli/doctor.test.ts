import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { DoctorReport } from '../../src/doctor/index.js';
import { desk, shapeOf } from './cli.js';

// Whatever machine this runs on: what a report looks like, and what is a mistake.
const SHAPE = {
  checks: [
    {
      evidence: ['string'],
      findings: [],
      group: 'string',
      name: 'string',
      status: 'string',
      title: 'string',
    },
  ],
  summary: { ok: 'number', problem: 'number', unknown: 'number', warning: 'number' },
};

describe('rlimit doctor', () => {
  it('gives its report as JSON, and ends by it', async () => {
    const { status, stdout, stderr } = await desk().rlimit(['doctor', '--json']);
    expect(stderr).toBe('');
    const report = JSON.parse(stdout) as DoctorReport;
    expect(status).toBe(report.summary.problem > 0 ? 1 : 0);
    expect(report.checks.length).toBeGreaterThan(15);
    for (const check of report.checks) {
      expect(check.status === 'ok' || check.findings.length + check.evidence.length > 0).toBe(true);
    }
  });

  it('makes named checks alone, and lists their names', async () => {
    const { rlimit } = desk();
    const { stdout } = await rlimit(['doctor', 'nvidia', '--json']);
    expect(shapeOf(JSON.parse(stdout))).toMatchObject(SHAPE);
    const list = await rlimit(['doctor', '--list']);
    expect(list.status).toBe(0);
    expect(list.stdout).toMatch(/^swap +swap is set up well$/m);
  });

  it('reads what Nix is told, and sends no notification into nothing', async () => {
    const { rlimit, write } = desk();
    write('config/nix/nix.conf', 'max-jobs = 100\ncores = 100\n');
    const told = await rlimit(['doctor', 'nix']);
    expect(told.status).toBe(0);
    expect(told.stdout).toContain('100 builds × 100 processes = 10000');
    expect((await rlimit(['doctor', 'nix', '--strict'])).status).toBe(1);
    const none = { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent', DISPLAY: '' };
    const sent = await rlimit(['doctor', 'notifications', '--notify-test'], none);
    expect(sent.status).toBe(1);
    expect(sent.stdout).toContain('the test notification was not shown');
  });

  it('--fix mends one’s own file, after asking, and keeps the old one', async () => {
    const { rlimit, write, project } = desk();
    const file = write('config/nix/nix.conf', 'max-jobs = 100\ncores = 100\n');
    const unasked = await rlimit(['doctor', 'nix', '--fix']);
    expect(unasked.status).toBe(2);
    expect(unasked.stderr).toContain('there is nobody to ask');
    expect(existsSync(`${file}.bak`)).toBe(false);
    const { status, stdout } = await rlimit(['doctor', 'nix', '--fix', '--yes', '--strict']);
    expect(status).toBe(0);
    expect(stdout).toContain(`back: mv ${file}.bak ${file}`);
    expect(existsSync(`${project}/rlimit-doctor-fix.sh`)).toBe(false);
    expect((await rlimit(['doctor', 'nix', '--fix', '--yes'])).stdout).toContain(
      'nothing that --fix',
    );
  });

  it.each([
    [['doctor', 'swop'], 'Did you mean swap'],
    [['doctor', '--yes'], 'go with --fix'],
    [['doctor', 'swap', '--prove'], 'no checks'],
    [['doctor', '--prove', '--fix'], '--fix'],
    [['doctor', '--script', 'x'], 'go with --fix'],
  ])('%j is a mistake', async (args, message) => {
    const { status, stderr } = await desk().rlimit(args);
    expect(status).toBe(2);
    expect(stderr.replace(/\s+/g, ' ')).toContain(message);
  });
});

describe('rlimit doctor --prove', () => {
  it.skipIf(existsSync('/run/systemd/system'))('needs systemd, and says so', async () => {
    const { status, stdout, stderr } = await desk().rlimit(['doctor', '--prove']);
    expect(status).toBe(3);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^rlimit: systemd does not run this system/);
  });

  it('knows its experiments', async () => {
    const { status, stderr } = await desk().rlimit(['doctor', '--prove', '--only', 'memory']);
    expect(status).toBe(2);
    expect(stderr).toContain('memory-max');
    expect((await desk().rlimit(['doctor', '--only', 'memory-max'])).status).toBe(2);
  });
});
