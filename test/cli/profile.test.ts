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
});

it('the entry of `run` brings neither a YAML parser nor a schema', () => {
  const text = readFileSync(new URL('../../dist/main.cjs', import.meta.url), 'utf8');
  expect(text).not.toContain('YAMLParseError');
  expect(text).not.toContain('ZodType');
  expect(text).toContain('60% of memory');
});
