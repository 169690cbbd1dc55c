/** Every exported format is read by the tool that it is for. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { type Program, slurmPlugins, tool, toolArgv, toolTree } from '../setup/tools.js';
import { type Desk, desk } from './cli.js';

const MACHINE = ['--machine', 'cores=36,cpus=72,memory=252G,swap=8G,systemd=257'];
const PROFILES = ['ollama', 'llama-cpp', 'llm-proxy', 'monitor', 'nix-daemon', 'coq-standard'];
const NOWHERE = 'unix:///nonexistent/socket';

/** What every format has its own trouble with; a profile's own `${` would be refused. */
const EVIL = "it's \"q\" $HOME $(id) `id` %n %% # {{x}} $$ \\ \\n '' ;&|<>* ~ é end\\";
const LINES = 'max-jobs = 1\n# $x "y"\ncores = 1';
const DEVICE = '/dev/disk/by-id/a\'b"c$d%n#e{{f}}';
const VARIABLES = { EVIL, LINES };

beforeAll(async () => {
  await toolTree();
}, 600_000);

/** A desk with a profile of hostile texts. */
function hostile(): Desk {
  const place = desk();
  place.write(
    'config/rlimit/profiles/hostile.yaml',
    [
      `summary: ${JSON.stringify(`"; touch pwned # $(id) \${x} {{x}} */ -- ${EVIL}`)}`,
      'limits:',
      '  MemoryMax: 60% of memory',
      '  CPUQuota: 150%',
      '  RuntimeMaxSec: 90s',
      `  IOReadBandwidthMax: ${JSON.stringify(`${DEVICE} 10M`)}`,
      'environment:',
      ...Object.entries(VARIABLES).map(([name, value]) => `  ${name}: ${JSON.stringify(value)}`),
      '',
    ].join('\n'),
  );
  return place;
}

/** Exports into a file of the desk, and says its path. */
async function exported(
  { rlimit, project }: Desk,
  file: string,
  format: string,
  ...args: string[]
): Promise<string> {
  const path = join(project, file);
  const { status, stderr } = await rlimit(['export', format, ...args, ...MACHINE, '-o', path]);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return path;
}

/** A directory for PATH with one program, which is a shell script. */
function program({ project }: Desk, name: string, script: string): string {
  const path = join(project, 'bin', name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return `${dirname(path)}:${process.env.PATH}`;
}

/** A program that writes down how it was called, and its words then. */
const RECORD = '[ "$1" = --help ] || printf "%s\\0" "$@" >"$RECORD"';

function recorded({ project }: Desk): string[] {
  return readFileSync(join(project, 'record'), 'utf8').split('\0').slice(0, -1);
}

const record = ({ project }: Desk) => ({ RECORD: join(project, 'record') });

/** The systemd-run line of the hostile profile, word for word. */
function expectScopeLine(words: readonly string[]): void {
  expect(words.slice(0, 4)).toEqual(['--user', '--scope', '--quiet', '-p']);
  expect(words).toContain('MemoryMax=150G');
  expect(words).toContain(`IOReadBandwidthMax=${DEVICE} 10M`);
  for (const [name, value] of Object.entries(VARIABLES)) {
    expect(words).toContain(`--setenv=${name}=${value}`);
  }
  expect(words.slice(-3)).toEqual(['--', 'cmd', 'a b']);
}

describe('shells', () => {
  it.each(['bash', 'zsh'] as const)('%s', async (shell) => {
    const place = hostile();
    const file = await exported(place, 'f', 'shell', 'hostile', 'coq-standard', '--shell', shell);
    const argv = shell === 'bash' ? ['bash', '--norc'] : await toolArgv(shell);
    const [command = '', ...rest] = argv;
    await execa(command, [...rest, '-n', file]);
    const PATH = program(place, 'systemd-run', RECORD);
    const script = `source ${file}; with-hostile cmd 'a b'`;
    await execa(command, [...rest, '-c', script], { env: { PATH, ...record(place) } });
    expectScopeLine(recorded(place));
  });

  it('fish', async () => {
    const place = hostile();
    const file = await exported(place, 'f', 'shell', 'hostile', 'coq-standard', '--shell', 'fish');
    expect(await tool('fish', ['--no-config', '-n', file])).toMatchObject({
      status: 0,
      stderr: '',
    });
    const PATH = program(place, 'systemd-run', RECORD);
    const script = `source ${file}; with-hostile cmd 'a b'`;
    const env = { PATH, HOME: place.project, ...record(place) };
    expect(await tool('fish', ['--no-config', '-c', script], { env })).toMatchObject({ status: 0 });
    expectScopeLine(recorded(place));
  });
});

describe('build tools', () => {
  it('make', async () => {
    const place = hostile();
    await exported(place, 'limits.mk', 'make', 'hostile');
    writeFileSync(
      join(place.project, 'Makefile'),
      "include limits.mk\nall:\n\t@$(RUN) cmd 'a b'\n",
    );
    const PATH = program(place, 'systemd-run', RECORD);
    const env = { PATH, ...record(place) };
    const { status, stderr } = await tool('make', [], { cwd: place.project, env });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expectScopeLine(recorded(place));
  });

  it('make, with the number of jobs, and a variable for each of several', async () => {
    const place = desk();
    const file = await exported(place, 'm', 'make', 'coq-standard', 'rust-build');
    const { stdout, status } = await tool('make', ['-f', file, '-n', '-p', '--no-builtin-rules']);
    expect(status).toBe(2); // No targets.
    expect(stdout).toMatch(/^RUN_coq_standard_JOBS := 4$/m);
    expect(stdout).toMatch(/^RUN_rust_build := systemd-run .*MemoryMax=150G/m);
  });

  it('just', async () => {
    const place = hostile();
    const file = await exported(place, 'justfile', 'just', 'hostile', 'coq-standard');
    const list = await tool('just', ['--justfile', file, '--list']);
    expect(list.stdout).toMatch(
      /with-hostile \+command +# Run a command under the limits of hostile$/m,
    );
    const PATH = program(place, 'systemd-run', RECORD);
    const env = { PATH, ...record(place) };
    const args = ['--justfile', file, 'with-hostile', 'cmd', 'a b'];
    expect(await tool('just', args, { env })).toMatchObject({ status: 0, stderr: '' });
    expectScopeLine(recorded(place));
  });
});

/** The value of a Nix expression. */
async function evaluate(expression: string): Promise<unknown> {
  const args = ['--eval', '--strict', '--json', '--store', 'dummy://', '-E', expression];
  const { stdout, stderr, status } = await tool('nix-instantiate', args);
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

describe('nix', () => {
  it('reads a module, and has every value as it was', async () => {
    const place = hostile();
    const file = await exported(place, 'm.nix', 'nixos', 'hostile', 'nix-daemon', 'nix-build');
    const value = await evaluate(`import ${file} {}`);
    expect(value).toMatchObject({
      nix: { settings: { 'max-jobs': 18, cores: 1, timeout: 21600 } },
      systemd: {
        services: {
          'nix-daemon': { serviceConfig: { CPUQuota: '1800%', MemoryMax: '120G' } },
          hostile: {
            serviceConfig: { MemoryMax: '150G' },
            // NixOS leaves `%` to systemd.
            environment: { EVIL: EVIL.replaceAll('%', '%%'), LINES },
          },
        },
      },
    });
  });

  it('refuses a broken one', async () => {
    const file = desk().write('project/m.nix', '{ ... }: { a = "${";\n');
    await expect(evaluate(`import ${file} {}`)).rejects.toThrow('syntax error');
  });

  it('takes nix.conf', async () => {
    const place = desk();
    const file = await exported(place, 'nix.conf', 'nix.conf', 'nix-build');
    const read = () =>
      tool('nix-instantiate', ['--eval', '--store', 'dummy://', '-E', '1'], {
        env: { NIX_CONF_DIR: place.project },
      });
    expect(await read()).toMatchObject({ status: 0, stderr: '' });
    writeFileSync(file, readFileSync(file, 'utf8').replace('cores =', 'core ='));
    expect((await read()).stderr).toContain("unknown setting 'core'");
  });
});

describe('docker compose', () => {
  const config = (file: string) =>
    tool('docker-compose', ['-f', file, 'config', '--format', 'json']);

  it('reads services, and has every value as it was', async () => {
    const place = hostile();
    const file = await exported(place, 'c.yml', 'docker-compose', 'hostile', ...PROFILES);
    const { stdout, stderr } = await config(file);
    expect(stderr).toBe('');
    const { services } = JSON.parse(stdout.replaceAll('$$', '$'));
    expect(Object.keys(services).sort()).toEqual(['hostile', ...PROFILES].sort());
    expect(services.hostile.environment).toEqual(VARIABLES);
    expect(services.hostile).toMatchObject({
      cpus: 1.5,
      blkio_config: { device_read_bps: [{ Path: DEVICE, Rate: '10000000' }] },
    });
    expect(services.ollama).toMatchObject({
      mem_limit: String(8 * 1024 ** 3),
      memswap_limit: '-1',
      cpus: 2,
      cpuset: '0-7',
      blkio_config: { weight: 20 },
      pids_limit: 512,
      restart: 'unless-stopped',
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      healthcheck: { test: ['CMD-SHELL', 'ollama list'] },
    });
    expect(services['coq-standard']).toMatchObject({
      restart: 'no',
      memswap_limit: `${150 * 1024 ** 3}`,
    });
  });

  it('refuses a broken one', async () => {
    const place = desk();
    const file = await exported(place, 'c.yml', 'docker-compose', 'ollama');
    writeFileSync(file, readFileSync(file, 'utf8').replace('pids_limit', 'pids_limits'));
    expect((await config(file)).stderr).toContain('pids_limits');
  });
});

/** The program of PATH is the real one, and has no engine to talk to. */
async function engine(place: Desk, name: Program, options: string[]): Promise<string> {
  const argv = [...(await toolArgv(name)), ...options].map((word) => `'${word}'`);
  return program(place, name, `exec ${argv.join(' ')} "$@"`);
}

describe('container engines', () => {
  const cases = [
    ['docker-run', 'docker', ['--host', NOWHERE], 'Cannot connect to the Docker daemon'],
    ['podman', 'podman', ['--remote', '--url', NOWHERE], 'unable to connect to Podman socket'],
  ] as const;

  it.each(cases)('%s', async (format, name, options, farthest) => {
    const place = hostile();
    const file = await exported(place, 'run.sh', format, 'hostile', '--health', 'a "b" $c');
    const PATH = program(place, name, RECORD);
    await execa('sh', [file], { env: { PATH, ...record(place) } });
    const words = recorded(place);
    expect(words).toContain('--memory=150g');
    expect(words).toContain(`--device-read-bps=${DEVICE}:10000000`);
    expect(words).toContain('--health-cmd=a "b" $c');
    for (const [key, value] of Object.entries(VARIABLES)) {
      expect(words).toContain(`--env=${key}=${value}`);
    }
    expect(words.at(-1)).toBe('localhost/hostile');
    // The engine's own parser goes through it, up to where an engine would be needed.
    for (const profile of ['ollama', 'coq-standard']) {
      const other = await exported(place, `${profile}.sh`, format, profile);
      const real = await engine(place, name, [...options]);
      const { stderr } = await execa('sh', [other, 'true'], { env: { PATH: real }, reject: false });
      expect(stderr).toContain(farthest);
      writeFileSync(other, readFileSync(other, 'utf8').replace('--memory=', '--memorx='));
      const broken = await execa('sh', [other, 'true'], { env: { PATH: real }, reject: false });
      expect(broken.stderr).toContain('unknown flag: --memorx');
    }
  });

  it('quadlet', async () => {
    const place = hostile();
    await exported(place, 'ollama.container', 'quadlet', 'ollama');
    await exported(place, 'hostile.container', 'quadlet', 'hostile', '--health', 'a "b" $c %n');
    const read = () => tool('quadlet', ['-dryrun'], { env: { QUADLET_UNIT_DIRS: place.project } });
    const { stdout, status } = await read();
    expect(status).toBe(0);
    expect(stdout).toMatch(/^---ollama\.service---$/m);
    expect(stdout).toMatch(/^MemoryMax=8G$/m);
    expect(stdout).toMatch(
      /^ExecStart=.*--cgroups=split.*--cap-drop all --health-cmd "ollama list"/m,
    );
    // As it stands in a word of ExecStart=: C escapes, `%` and `$` doubled.
    const escaped = (text: string) =>
      JSON.stringify(text).slice(1, -1).replaceAll('%', '%%').replaceAll('$', '$$$$');
    expect(stdout).toContain(`--health-cmd "${escaped('a "b" $c %n')}"`);
    expect(stdout).toContain(`"EVIL=${escaped(EVIL)}"`);
    expect(stdout).toContain(`"LINES=${escaped(LINES)}"`);
    writeFileSync(join(place.project, 'bad.container'), '[Container]\nImage=x\nMemorx=1\n');
    expect((await read()).stderr).toContain("unsupported key 'Memorx'");
  });
});

describe('kubernetes', () => {
  type Json = Record<string, unknown>;

  /** Reads one document as a typed object, and prints a Pod as it was read; other kinds are refused. */
  async function typed({ project }: Desk, document: Json): Promise<Json> {
    const file = join(project, 'one.json');
    writeFileSync(file, JSON.stringify(document));
    const args = ['set', 'env', '--local', '-f', file, 'SEEN=1', '-o', 'json'];
    const { stdout, stderr, status } = await tool('kubectl', args);
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  }

  async function documents(place: Desk, ...profiles: string[]): Promise<Json[]> {
    const file = await exported(place, 'k.yaml', 'kubernetes', ...profiles);
    return parseAllDocuments(readFileSync(file, 'utf8')).map((each) => each.toJS());
  }

  /** With what kubectl adds: fields of no value, and the variable that it was told to set. */
  function asRead(pod: Json): Json {
    const expected = structuredClone(pod) as {
      metadata: Json;
      status?: Json;
      spec: { containers: { env?: { name: string; value: string }[] }[] };
    };
    expected.metadata.creationTimestamp = null;
    expected.status = {};
    const [container] = expected.spec.containers;
    if (container) container.env = [...(container.env ?? []), { name: 'SEEN', value: '1' }];
    return expected;
  }

  it('every field and quantity is read', async () => {
    const place = hostile();
    const read = await documents(place, 'hostile', ...PROFILES);
    const pods = read.filter(({ kind }) => kind === 'Pod');
    const ranges = read.filter(({ kind }) => kind === 'LimitRange');
    expect([pods.length, ranges.length]).toEqual([PROFILES.length + 1, PROFILES.length + 1]);
    for (const pod of pods) expect(await typed(place, pod)).toEqual(asRead(pod));
    // It has been read by then.
    for (const range of ranges) {
      await expect(typed(place, range)).rejects.toThrow('the object is not a pod');
    }
    const { spec } = pods[0] as {
      spec: { containers: { env: { name: string; value: string }[] }[] };
    };
    const env = spec.containers[0]?.env.map(({ name, value }) => [name, value]) ?? [];
    // `$(` would be a variable of Kubernetes: it is doubled there.
    const EVIL_THERE = EVIL.replaceAll('$(', '$$$$(');
    expect(Object.fromEntries(env)).toEqual({ EVIL: EVIL_THERE, LINES });
  });

  it('sees a field that there is not, and quantities that are none', async () => {
    const place = desk();
    const broken = async (from: string, to: string) =>
      (await documents(place, 'ollama')).map((each) =>
        JSON.parse(JSON.stringify(each).replaceAll(from, to)),
      ) as [Json, Json];
    const [unknown] = await broken('failureThreshold', 'failureTreshold');
    expect(await typed(place, unknown)).not.toEqual(asRead(unknown));
    for (const each of await broken('8Gi', '8GiB')) {
      await expect(typed(place, each)).rejects.toThrow('quantities must match');
    }
  });
});

describe('slurm', () => {
  it('sbatch takes the header as far as without a controller', async () => {
    const place = desk();
    const conf = place.write(
      'project/slurm.conf',
      [
        'ClusterName=test',
        'SlurmctldHost=localhost(127.0.0.1)',
        // Nothing listens there.
        'SlurmctldPort=1',
        'AuthType=auth/none',
        'CredType=cred/none',
        'MessageTimeout=2',
        `PluginDir=${await slurmPlugins()}`,
        'NodeName=n CPUs=72',
        'PartitionName=p Nodes=n Default=YES',
        '',
      ].join('\n'),
    );
    const submit = (file: string) =>
      tool('sbatch', ['--test-only', file, 'make'], { env: { SLURM_CONF: conf } });
    const file = await exported(place, 's.sh', 'slurm', 'coq-standard');
    expect((await submit(file)).stderr).toContain('Unable to contact slurm controller');
    const text = readFileSync(file, 'utf8');
    for (const [from, to, said] of [
      ['--mem=150G', '--mem=150x', 'Invalid --mem specification'],
      ['--cpus-per-task=27', '--cpus-per-tusk=27', 'unrecognized option'],
    ] as const) {
      writeFileSync(file, text.replace(`#SBATCH ${from}`, `#SBATCH ${to}`));
      expect((await submit(file)).stderr).toContain(said);
    }
  });

  it('the script starts srun with the variables as they were', async () => {
    const place = hostile();
    const file = await exported(place, 's.sh', 'slurm', 'hostile');
    expect(readFileSync(file, 'utf8')).toMatch(/^#SBATCH --time=0-00:01:30$/m);
    const PATH = program(place, 'srun', 'printf "%s\\0" "$EVIL" "$LINES" "$@" >"$RECORD"');
    const env = { PATH, SLURM_CPUS_PER_TASK: '2', ...record(place) };
    await execa('bash', [file, 'cmd', 'a b'], { env });
    expect(recorded(place)).toEqual([EVIL, LINES, '--cpus-per-task=2', '--', 'cmd', 'a b']);
  });
});
