import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { desk, shapeOf } from './cli.js';

const REFERENCE = ['--machine', 'cores=36,cpus=72,memory=252G,swap=8G,systemd=257'];

describe('rlimit export', () => {
  it('prints the file, ready for a pipe', async () => {
    const { status, stdout, stderr } = await desk().rlimit([
      'export',
      'systemd',
      'nix-daemon',
      ...REFERENCE,
    ]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatchSnapshot();
  });

  it('writes it, and says what it cannot say', async () => {
    const { rlimit, project } = desk();
    const args = ['export', 'kubernetes', 'monitor', ...REFERENCE, '-o', 'new/k.yaml'];
    const { status, stdout } = await rlimit(args);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^written: new\/k.yaml\n/);
    expect(stdout.replace(/\s+/g, ' ')).toContain('monitor: cannot say IOWeight=50: Pods have no');
    expect(existsSync(join(project, 'new/k.yaml'))).toBe(true);
    expect((await rlimit(args)).stdout).toMatch(/^unchanged: /);
  });

  it('does not replace what is somebody else’s', async () => {
    const { rlimit, write } = desk();
    const file = write('project/limits.conf', 'mine\n');
    const args = ['export', 'systemd', 'ollama', ...REFERENCE, '-o', file];
    const { status, stderr } = await rlimit(args);
    expect(status).toBe(2);
    expect(stderr).toContain('is there already, and not by rlimit export');
    expect((await rlimit([...args, '--force'])).stdout).toContain('the former one is kept');
    expect(readFileSync(`${file}.bak`, 'utf8')).toBe('mine\n');
  });

  it('--json', async () => {
    const args = ['export', 'docker-compose', 'ollama', 'monitor', '--json', ...REFERENCE];
    const { stdout } = await desk().rlimit(args);
    expect(shapeOf(JSON.parse(stdout))).toMatchSnapshot();
  });

  it.each([
    [['export', 'toml', 'ollama'], 'Expected toml to be one of'],
    [['export', 'systemd'], 'Missing 1 required arg'],
    [['export', 'systemd', 'olama'], 'Did you mean ollama?'],
    [['export', 'slurm', 'ollama', 'monitor', ...REFERENCE], 'is for one profile'],
    [['export', 'slurm', 'monitor', '--unit', 'x', ...REFERENCE], 'does not use --unit'],
    [
      ['export', 'systemd', 'ollama', '--machine', 'cores=2,memory=4G'],
      'more than this machine has',
    ],
  ])('%j ends with 2', async (args, message) => {
    const { status, stderr } = await desk().rlimit(args);
    expect(status).toBe(2);
    expect(stderr.replace(/\s+/g, ' ')).toContain(message);
  });
});

describe('rlimit profile import', () => {
  const LINE = 'systemd-run --user --scope -p MemoryMax=800M -p TasksMax=9 --uid=5 -- make -j4';

  it('prints a profile from a pasted line, in quotes or behind --', async () => {
    const { rlimit } = desk();
    const { status, stdout, stderr } = await rlimit(['profile', 'import', LINE]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatchSnapshot();
    expect((await rlimit(['profile', 'import', '--', ...LINE.split(' ')])).stdout).toBe(stdout);
  });

  it('puts it among the user’s profiles, where it can be used at once', async () => {
    const { rlimit } = desk();
    const { stdout } = await rlimit(['profile', 'import', LINE, '--name', 'mine', '--write']);
    expect(stdout).toMatch(/^written: ~\/config\/rlimit\/profiles\/mine.yaml\n/);
    expect(stdout).toContain('not carried: --uid=5');
    const show = await rlimit(['profile', 'show', 'mine', '--json']);
    expect(JSON.parse(show.stdout).limits).toMatchObject([
      { property: 'MemoryMax', value: '800M' },
      { property: 'TasksMax', value: '9' },
    ]);
    const again = await rlimit(['profile', 'import', LINE, '--name', 'mine', '--write']);
    expect(again.status).toBe(2);
    expect(again.stderr).toContain('is there already');
  });

  it('nothing to import', async () => {
    const { status, stderr } = await desk().rlimit(['profile', 'import', '--write']);
    expect(status).toBe(2);
    expect(stderr).toContain('there is nothing to import');
  });

  it('ends with 1 for a profile that would be refused here', async () => {
    const { rlimit, write } = desk();
    const file = write('project/c.yml', 'services: {a: {mem_limit: 4g, cpus: 1}}\n');
    const args = ['profile', 'import', file, '--machine', 'cores=2,memory=1G'];
    const { status, stdout, stderr } = await rlimit(args);
    expect(status).toBe(1);
    expect(stdout).toContain('MemoryMax: 4G');
    expect(stderr).toContain('memory-above-machine');
  });

  it('--json', async () => {
    const { stdout } = await desk().rlimit(['profile', 'import', LINE, '--json']);
    expect(shapeOf(JSON.parse(stdout))).toMatchSnapshot();
  });
});
