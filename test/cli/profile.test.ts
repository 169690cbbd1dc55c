import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { desk, shapeOf } from './cli.js';

const REFERENCE = ['--machine', 'cores=36,cpus=72,memory=252G,swap=8G'];

describe('rlimit profile list', () => {
  it('fits 80 columns', async () => {
    const { status, stdout } = await desk().rlimit(['profile', 'list']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^coq-standard {2,}Rocq or Coq .* built-in$/m);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('lists a profile that cannot be used, too', async () => {
    const { rlimit, write } = desk();
    write('config/rlimit/profiles/mine.yaml', 'limits: [');
    const { status, stdout } = await rlimit(['profile', 'list']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^mine .*cannot be used.* user$/m);
  });

  it('--json', async () => {
    const { stdout } = await desk().rlimit(['profile', 'list', '--json']);
    expect(shapeOf(JSON.parse(stdout))).toMatchSnapshot();
  });
});

describe('rlimit profile show', () => {
  it('resolves on another machine', async () => {
    const { stdout } = await desk().rlimit(['profile', 'show', 'coq-standard', ...REFERENCE]);
    expect(stdout).toMatchSnapshot();
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('says where each value is from, and what a project file contributed', async () => {
    const { rlimit, write } = desk();
    write('config/rlimit/profiles/coq-standard.yaml', 'limits:\n  TasksMax: 99\n');
    const file = write(
      'project/.rlimit.yaml',
      'profiles: {coq-standard: {limits: {IOWeight: 7}}}\n',
    );
    const { stdout, stderr } = await rlimit(['profile', 'show', 'coq-standard', ...REFERENCE]);
    expect(stdout).toMatch(/^TasksMax +99 +99 +.*profiles\/coq-standard.yaml:2$/m);
    expect(stdout).toMatch(/^IOWeight +7 +7 +.*\.rlimit\.yaml:1$/m);
    expect(stdout).toMatch(/^MemoryMax +150G +60% of memory +built-in coq-standard$/m);
    expect(stderr).toBe(`rlimit: note: ${file} sets IOWeight of coq-standard`);
  });

  it('shows a profile that is refused here, with the reason', async () => {
    const machine = ['--machine', 'cores=2,memory=4G'];
    const { status, stdout } = await desk().rlimit(['profile', 'show', 'ollama', ...machine]);
    expect(status).toBe(0);
    expect(stdout).toContain('refused here: MemoryMax=8G');
  });

  it('--json', async () => {
    const args = ['profile', 'show', 'nix-build', '--json', ...REFERENCE];
    const { stdout } = await desk().rlimit(args);
    expect(shapeOf(JSON.parse(stdout))).toMatchSnapshot();
  });

  it.each([
    [['coq-standart'], /there is no profile "coq-standart"\n.*coq-standard/],
    [['coq-standard', '--machine', 'core=3'], /did you mean cores/],
    [[], /Missing 1 required arg/],
  ])('%j ends with 2', async (args, message) => {
    const { status, stdout, stderr } = await desk().rlimit(['profile', 'show', ...args]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  it('a mistake in a file is an error of its own under --json', async () => {
    const { rlimit, write } = desk();
    write('config/rlimit/profiles/mine.yaml', 'limits:\n  IOWeight: lots\n');
    const { status, stdout } = await rlimit(['profile', 'show', 'mine', '--json']);
    expect(status).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { id: 'profile-file', message: expect.stringContaining('mine.yaml:2:13: IOWeight:') },
    });
  });
});

it('create, check, edit and delete are one way through', async () => {
  const { rlimit, profiles } = desk();
  const file = join(profiles, 'mine.yaml');
  const create = ['profile', 'create', 'mine', '--extends', 'coq-standard', '-p', 'MemoryMax=1G'];
  expect(await rlimit(create)).toMatchObject({
    status: 0,
    stdout: `written: ${file.replace(/.*(?=\/config)/, '~')}`,
  });
  expect(await rlimit(create)).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('--force'),
  });
  expect(await rlimit(['profile', 'check', 'mine'])).toMatchObject({ status: 0 });
  const edit = await rlimit(['profile', 'edit', 'mine'], { EDITOR: 'sed -i s/1G/2G/' });
  expect(edit).toMatchObject({ status: 0 });
  expect(readFileSync(file, 'utf8')).toContain('MemoryMax: 2G');
  const bad = await rlimit(['profile', 'edit', 'mine'], { EDITOR: 'sed -i s/2G/much/' });
  expect(bad.status).toBe(2);
  const [, kept = ''] = /Your text is kept:\s+(\S+)/.exec(bad.stderr) ?? [];
  expect(readFileSync(kept, 'utf8')).toContain('MemoryMax: much');
  expect(await rlimit(['profile', 'delete', 'mine'])).toMatchObject({ status: 0 });
  expect(existsSync(file)).toBe(false);
  expect(existsSync(`${file}.bak`)).toBe(true);
});

describe('rlimit profile check', () => {
  const MACHINE = 'cores=8,memory=16G,swap=4G,swap-on=zram,systemd=257,controllers=cpu+memory+pids';
  const ON = ['--machine', MACHINE];
  const TRAP = 'limits:\n  MemoryMax: 4G\n  MemoryHigh: 3G\n  MemorySwapMax: 0\n';

  it('ends with 1, and prints what compilers print', async () => {
    const { rlimit, write } = desk();
    const file = write('project/draft.yaml', 'limits:\n  IOWeight: 0\n  Foo: 1\n');
    const { status, stdout } = await rlimit(['profile', 'check', './draft.yaml']);
    expect(status).toBe(1);
    expect(stdout).toContain(`${file}:2:13: problem: IOWeight:`);
    expect(stdout).toContain(`${file}:3:8: problem: there is no property "Foo"`);
  });

  it('--json', async () => {
    const { rlimit, write } = desk();
    write('project/draft.yaml', 'limits:\n  IOWeight: 0\n');
    const { status, stdout } = await rlimit(['profile', 'check', 'draft.yaml', '--json']);
    expect(status).toBe(1);
    expect(shapeOf(JSON.parse(stdout))).toMatchSnapshot();
  });

  it('a lint has its place, its name, the reason and what mends it', async () => {
    const { rlimit, write } = desk();
    const file = write('config/rlimit/profiles/trap.yaml', TRAP);
    const { status, stdout } = await rlimit(['profile', 'check', 'trap', ...ON]);
    expect(status).toBe(1);
    expect(stdout.replaceAll(file, 'FILE')).toMatchSnapshot();
  });

  it('the same as --json', async () => {
    const { rlimit, write } = desk();
    const file = write('config/rlimit/profiles/trap.yaml', TRAP);
    const { status, stdout } = await rlimit(['profile', 'check', 'trap', '--json', ...ON]);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      checked: ['trap'],
      problems: [
        {
          id: 'high-below-max-without-swap',
          severity: 'problem',
          profile: 'trap',
          file,
          line: 3,
          column: 3,
          message: expect.stringMatching(/^MemoryHigh=3G .* with MemorySwapMax=0 is a trap$/),
          why: expect.stringMatching(/^Without swap, .*\.$/),
          remedy: expect.stringContaining('MemoryHigh: infinity'),
        },
      ],
    });
  });

  it('run refuses in the same words, under the same name', async () => {
    const { rlimit, write } = desk();
    write('config/rlimit/profiles/trap.yaml', 'limits: {MemoryMax: 1M}\n');
    const check = await rlimit(['profile', 'check', 'trap', '--json', ...ON]);
    const [{ id, message, why }] = JSON.parse(check.stdout).problems;
    const run = await rlimit(['run', 'trap', '--json', '--', 'true']);
    const { error } = JSON.parse(run.stderr);
    expect({ id: error.trouble, message: error.message, why: error.why }).toEqual({
      id,
      message,
      why,
    });
    const told = await rlimit(['run', 'trap', '--', 'true']);
    expect(told.stderr).toContain(`more: rlimit profile check --explain ${id}`);
  });

  it('warnings end with 0, with --strict with 1, and can be silenced', async () => {
    const { rlimit, write } = desk();
    const path = 'config/rlimit/profiles/io.yaml';
    write(path, 'limits: {IOWeight: 20}\n');
    const check = (...more: string[]) => rlimit(['profile', 'check', 'io', ...ON, ...more]);
    const { status, stdout } = await check();
    expect(status).toBe(0);
    expect(stdout).toMatch(/io\.yaml:1:10: warning: IOWeight: .* \[controller-not-delegated\]$/m);
    expect(await check('--strict')).toMatchObject({ status: 1 });
    write(path, 'limits: {IOWeight: 20}\nlint-ignore: [controller-not-delegated]\n');
    expect(await check('--strict')).toMatchObject({
      status: 0,
      stdout: '1 profile checked, no problem',
    });
  });

  it('after delegation there is nothing to warn of', async () => {
    const { rlimit } = desk();
    const delegated = MACHINE.replace('cpu+', 'cpu+cpuset+io+');
    const machine = delegated.replace('16G', '64G').replace('cores=8', 'cores=16');
    expect(await rlimit(['profile', 'check', '--machine', machine])).toMatchObject({
      status: 0,
      stdout: '17 profiles checked, no problem',
    });
  });

  it('the built-in profiles are no problem on any machine, in 80 columns', async () => {
    for (const machine of [MACHINE, 'cores=1,memory=512M,swap=0,controllers=memory+pids']) {
      const { status, stdout } = await desk().rlimit(['profile', 'check', '--machine', machine]);
      expect(status).toBe(0);
      expect(stdout).toMatch(/^17 profiles checked, no problem, \d+ warnings$/m);
      const told = stdout.split('\n').filter((line) => !/^ {2}/.test(line));
      for (const line of told) expect(line.length).toBeLessThanOrEqual(80);
    }
  });

  it('profiles that are named together are added up', async () => {
    const args = ['profile', 'check', 'ollama', 'nix-daemon', 'coq-standard', ...ON];
    const { status, stdout } = await desk().rlimit(args);
    expect(status).toBe(0);
    expect(stdout).toMatch(/may take\s+25\.6G, and this\s+machine\s+has\s+16G/);
  });
});

describe('--explain', () => {
  it('tells of one', async () => {
    const args = ['profile', 'check', '--explain', 'high-below-max-without-swap'];
    const { status, stdout } = await desk().rlimit(args);
    expect(status).toBe(0);
    expect(stdout).toMatchSnapshot();
  });

  it.each([
    [['profile', 'check', '--explain']],
    [['profile', 'check', '--explain', 'list']],
    [['inspect', '--explain']],
  ])('%j lists them all', async (args) => {
    const { status, stdout } = await desk().rlimit(args);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^livelock +the unit is stalled/m);
  });

  it('--json', async () => {
    const { status, stdout } = await desk().rlimit(['inspect', '--explain', 'livelock', '--json']);
    expect(status).toBe(0);
    expect(shapeOf(JSON.parse(stdout))).toMatchSnapshot();
    const all = await desk().rlimit(['profile', 'check', '--explain', '--json']);
    expect(JSON.parse(all.stdout).troubles.length).toBeGreaterThan(20);
  });

  it('a name that is none ends with 2, and near ones', async () => {
    const { status, stderr } = await desk().rlimit(['profile', 'check', '--explain', 'sum-of-cap']);
    expect(status).toBe(2);
    expect(stderr).toContain('there is no trouble "sum-of-cap"');
    expect(stderr).toContain('Did you mean sum-of-caps?');
  });
});

it('the entry of `run` brings neither a YAML parser nor a schema', () => {
  const text = readFileSync(new URL('../../dist/main.cjs', import.meta.url), 'utf8');
  expect(text).not.toContain('YAMLParseError');
  expect(text).not.toContain('ZodType');
  expect(text).toContain('60% of memory');
});
