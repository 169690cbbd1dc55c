import { describe, expect, it } from 'vitest';
import { desk, shapeOf } from './cli.js';

const reference = ['--machine', 'cores=36,memory=252G,systemd=257'];

describe('rlimit run --dry-run', () => {
  it('prints the line for the reference machine', async () => {
    const { rlimit } = desk();
    const { status, stdout, stderr } = await rlimit([
      ...['run', 'coq-standard', '--dry-run', ...reference, '--unit', 'u', '--', 'make', '-j4'],
    ]);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toBe(
      "systemd-run --user --scope --quiet --collect --unit=u.scope --slice=app-rlimit.slice '--description=rlimit coq-standard: make -j4' --expand-environment=no -p MemoryMax=150G -p MemorySwapMax=0 -p CPUQuota=2700% -p IOWeight=50 -p TasksMax=300 -p OOMPolicy=continue --setenv=DUNE_JOBS=4 --setenv=RLIMIT_PROFILE=coq-standard --setenv=RLIMIT_UNIT=u.scope --setenv=RLIMIT_JOBS=4 -- make -j4",
    );
  });

  it('says what an older systemd cannot take', async () => {
    const { rlimit } = desk();
    const machine = 'cores=36,memory=252G,systemd=249';
    const { stdout, stderr } = await rlimit(['run', '-n', '--machine', machine, '--', 'make']);
    expect(stdout).not.toMatch(/OOMPolicy|expand-environment/);
    expect(stderr).toContain('OOMPolicy=continue left out: needs systemd 253');
  });

  it('has a stable shape in JSON', async () => {
    const { rlimit } = desk();
    const { stdout } = await rlimit(['run', 'coq-single', '-n', '--json', ...reference, 'make']);
    expect(shapeOf(JSON.parse(stdout))).toMatchSnapshot();
  });

  it.each([
    ['coq-standard', { DUNE_JOBS: '4' }],
    ['rust-build', { CARGO_BUILD_JOBS: '27', RUST_TEST_THREADS: '27' }],
    ['cxx-build', { CMAKE_BUILD_PARALLEL_LEVEL: '27', CTEST_PARALLEL_LEVEL: '27' }],
    ['go-build', { GOMAXPROCS: '27' }],
    ['node-build', { JOBS: '18', VITEST_MAX_WORKERS: '18' }],
    ['nix-build', { NIX_CONFIG: 'max-jobs = 18\ncores = 1\ntimeout = 21600' }],
    [
      'compute',
      {
        GOMAXPROCS: '27',
        JULIA_NUM_THREADS: '27',
        MKL_NUM_THREADS: '27',
        OMP_NUM_THREADS: '27',
        OPENBLAS_NUM_THREADS: '27',
        RAYON_NUM_THREADS: '27',
      },
    ],
    ['default', {}],
  ])('%s tells tools without a jobserver their number', async (profile, variables) => {
    const args = ['run', profile, '-n', '--json', ...reference, '--', 'make'];
    const { stdout } = await desk().rlimit(args);
    const { environment } = JSON.parse(stdout);
    const { RLIMIT_JOBS, RLIMIT_PROFILE, RLIMIT_UNIT: _, ...rest } = environment;
    expect(rest).toEqual(variables);
    expect(RLIMIT_PROFILE).toBe(profile);
    expect(Number(RLIMIT_JOBS)).toBeGreaterThan(0);
  });

  it('what the caller has set wins, and so does -j', async () => {
    const env = { CARGO_BUILD_JOBS: '3' };
    const args = ['run', 'rust-build', '-j', '5', '-n', '--json', ...reference, '--', 'make'];
    const { stdout } = await desk().rlimit(args, env);
    const { environment } = JSON.parse(stdout);
    expect(environment).toMatchObject({ RUST_TEST_THREADS: '5', RLIMIT_JOBS: '5' });
    expect(environment).not.toHaveProperty('CARGO_BUILD_JOBS');
  });

  it('says that a project file had its say', async () => {
    const { rlimit, write } = desk();
    write('project/.rlimit.yaml', 'profiles:\n  default:\n    limits:\n      TasksMax: 77\n');
    const { stdout, stderr } = await rlimit(['run', '-n', ...reference, '--', 'make']);
    expect(stdout).toContain('-p TasksMax=77');
    expect(stderr).toContain('.rlimit.yaml');
  });
});

describe('rlimit run, what is refused', () => {
  it.each([
    [['run'], 2, 'there is no command to run'],
    [['run', '--nonsense', '--', 'x'], 2, 'there is no option "--nonsense"'],
    [['run', 'coq-standrd', '-n', '--', 'x'], 2, 'Did you mean coq-standard?'],
    [['run', '-n', '-p', 'MemoryMx=1G', '--', 'x'], 2, 'MemoryMax'],
    [['run', '-n', '-p', 'Nice=5', '--', 'x'], 2, '--nice'],
    [['run', '-n', '-p', 'MemoryMax=lots', '--', 'x'], 2, '"lots" is not a size'],
    [['run', '-n', '-p', 'MemoryMax=15M', '--', 'x'], 2, '16M'],
    [['run', '--machine', 'cores=2', '--', 'x'], 125, '--dry-run'],
    [['run', '--', '/nowhere/at/all'], 127, 'was not found'],
    [['run', '--', '/etc/passwd'], 126, 'cannot be executed'],
  ])('%j ends with %i', async (args, status, words) => {
    const { rlimit } = desk();
    const result = await rlimit(args);
    expect(result.stderr).toContain(words);
    expect(result).toMatchObject({ status, stdout: '' });
  });

  it('is JSON on stderr where that was asked for', async () => {
    const { rlimit } = desk();
    const { stderr, status } = await rlimit(['run', 'nope', '--json', '--', 'x']);
    expect(status).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({ error: { id: 'unknown-name', exitCode: 2 } });
  });

  it('starts nothing where there is no user manager', async () => {
    const { rlimit, project } = desk();
    const env = { XDG_RUNTIME_DIR: '/nonexistent', DBUS_SESSION_BUS_ADDRESS: '' };
    const { status, stderr } = await rlimit(
      ['run', '--launcher', 'user', '--', 'touch', `${project}/ran`],
      env,
    );
    expect(status).toBe(125);
    expect(stderr).toMatch(/^rlimit: .*\n(.*\n)*\s+mend: /);
  });
});

describe('rlimit', () => {
  it('names the verb that was meant', async () => {
    const { rlimit } = desk();
    const { status, stderr } = await rlimit(['inspekt']);
    expect(status).toBe(2);
    expect(stderr).toContain('Did you mean inspect?');
  });

  it.each([
    ...['run', 'profile', 'inspect', 'kill', 'tune', 'history', 'adopt', 'budget'],
    'completion',
  ])('helps with %s', async (verb) => {
    const { rlimit } = desk();
    const { status, stdout } = await rlimit([verb, '--help']);
    expect(status).toBe(0);
    expect(stdout).toContain(`$ rlimit ${verb}`);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('completes verbs, options and names of profiles', async () => {
    const { rlimit } = desk();
    const words = async (...line: string[]) =>
      (await rlimit(['completion', '--words', '--', ...line])).stdout.split('\n');
    expect(await words('ins')).toEqual(['inspect']);
    expect(await words('run', 'coq-s')).toEqual(['coq-single', 'coq-standard']);
    expect(await words('run', '--dr')).toEqual(['--dry-run']);
  });

  it.each(['bash', 'zsh', 'fish'])('has a completion script for %s', async (shell) => {
    const { rlimit } = desk();
    const { status, stdout } = await rlimit(['completion', shell]);
    expect(status).toBe(0);
    expect(stdout).toContain('rlimit completion --words');
  });
});
