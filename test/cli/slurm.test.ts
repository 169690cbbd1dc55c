import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/model/index.js';
import { NODES, SACCT, SCONTROL } from '../unit/slurm/recorded.js';
import { desk } from './cli.js';

/** Stands in for srun: notes its options, and is the step itself, on this machine. */
const SRUN = `#!/bin/sh
for word; do printf '%s\\n' "$word"; [ "$word" = -- ] && break; done >"$FAKE/options"
printf '%s' "$SLURM_MEM_PER_CPU" >"$FAKE/per-cpu"
[ -e "$FAKE/refuse" ] && { cat "$FAKE/refuse" >&2; exit 1; }
while [ "$1" != -- ]; do shift; done; shift
export SLURM_JOB_ID=12 SLURM_STEP_ID=0 SLURMD_NODENAME=guest
[ -e "$FAKE/end" ] || exec "$@"
"$@"
cat "$FAKE/end" >&2
exit 1
`;

/** A submit host, with what its programs are to say. */
function submitHost(says: { scontrol?: string; sacct?: string } = {}) {
  const { rlimit, write, project } = desk();
  const programs = {
    srun: SRUN,
    sinfo: `#!/bin/sh\ncat <<'X'\n${NODES}X\n`,
    scontrol: `#!/bin/sh\ncat <<'X'\n${says.scontrol ?? ''}X\n`,
    sacct: says.sacct
      ? `#!/bin/sh\ncat <<'X'\n${says.sacct}X\n`
      : '#!/bin/sh\necho Slurm accounting storage is disabled >&2; exit 1\n',
  };
  const files = Object.entries(programs).map(([name, text]) => write(`bin/${name}`, text));
  for (const file of files) chmodSync(file, 0o755);
  const bin = dirname(files[0] ?? '');
  const env = { FAKE: project, PATH: `${bin}:${process.env.PATH}`, SLURM_MEM_PER_CPU: '7' };
  return {
    rlimit: (args: readonly string[], more: Record<string, string> = {}) =>
      rlimit(args, { ...env, ...more }),
    fake: (name: string, text: string) => write(`project/${name}`, text),
    read: (name: string) => readFileSync(join(project, name), 'utf8'),
    project,
  };
}

const WISHES = ['-p', 'MemoryMax=64M', '-p', 'CPUQuota=150%', '-p', 'RuntimeMaxSec=90s'];
const outcomeOf = (stderr: string) =>
  JSON.parse(stderr.split('\n').findLast((line) => line.startsWith('{')) ?? 'null') as Outcome;

describe('--on slurm', () => {
  it('prints the line of srun, sized for the smallest node', async () => {
    const { rlimit } = submitHost();
    const line = ['run', '--on', 'slurm:account=a b', '--dry-run', ...WISHES, '--', 'echo', "it's"];
    const { status, stdout, stderr } = await rlimit(line);
    expect(status).toBe(0);
    expect(stdout.replace(/rlimit-default-\w+/g, 'NAME')).toBe(
      'env RLIMIT_PROFILE=default RLIMIT_UNIT=NAME RLIMIT_JOBS=1 srun --nodes=1 --ntasks=1 --mem=64M ' +
        "--cpus-per-task=2 --time=0-00:01:30 --job-name=NAME '--account=a b' -- echo 'it'\\''s'",
    );
    const said = stderr.replace(/\s+/g, ' ');
    expect(said).toContain('TasksMax=4096 left out: Slurm does not count processes');
    expect(said).toContain('sized for guest (2 CPUs, 1.5G), the smallest node of partition debug');
    expect(said).toContain('CPUQuota=150%: Slurm gives whole CPUs only, so 2 of them');
    expect(said).toContain('RuntimeMaxSec=1min 30s: Slurm counts whole minutes, rounded up');
  });

  it('answers for a cluster that is not here with --machine', async () => {
    const { rlimit } = desk();
    const args = ['run', '--on', 'slurm', '-n', '--json', '--machine', 'cores=36,memory=252G'];
    const { status, stdout } = await rlimit([...args, 'coq-standard', '--', 'make'], {
      PATH: '/usr/bin:/bin',
    });
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      jobs: 4,
      options: expect.arrayContaining(['--mem=150G', '--cpus-per-task=27']),
      asked: { properties: { MemoryMax: '150G' } },
    });
  });

  it('runs the command through srun and takes nothing from its streams', async () => {
    const { rlimit, read } = submitHost();
    const script = 'printf "out\\0$RLIMIT_PROFILE"; printf "err without end" >&2';
    const { status, stdout, stderr } = await rlimit([
      ...['run', '--on', 'slurm', '-q', ...WISHES, '--', 'sh', '-c', script],
    ]);
    expect({ status, stdout, stderr }).toEqual({
      status: 0,
      stdout: 'out\0default',
      stderr: 'err without end',
    });
    expect(read('options')).toMatch(/^--nodes=1\n--ntasks=1\n--mem=64M\n/);
    // srun would refuse --mem beside it.
    expect(read('per-cpu')).toBe('');
  });

  it('copies both streams into a log, without the report', async () => {
    const { rlimit, read } = submitHost();
    const { stdout } = await rlimit([
      ...['run', '--on', 'slurm', '--log', 'log', '-q', '--', 'sh', '-c', 'echo out; echo err >&2'],
    ]);
    expect(stdout).toBe('out');
    expect(read('log').split('\n').sort()).toEqual(['', 'err', 'out']);
  });

  it('says what is not in force where a step has no limits, and refuses with --strict', async () => {
    const { rlimit, project } = submitHost({ scontrol: SCONTROL.status2 });
    const bare = ['-p', 'MemorySwapMax=', '-p', 'IOWeight=', '-p', 'TasksMax=', '-p', 'OOMPolicy='];
    // Less than any machine holds a test to by itself.
    const args = ['run', '--on', 'slurm', ...bare, '-p', 'MemoryMax=32M'];
    const lax = await rlimit([...args, '--', 'true']);
    expect(lax.status).toBe(0);
    expect(lax.stderr.replace(/\s+/g, ' ')).toContain('problem: MemoryMax=32M is not in force');
    expect(lax.stderr).toContain('(step 12.0 of Slurm on guest)');
    const strict = await rlimit([...args, '--strict', '--', 'touch', 'never']);
    expect(strict.status).toBe(125);
    expect(strict.stderr).toContain('not started: --strict, and not every property is in force');
    expect(existsSync(join(project, 'never'))).toBe(false);
    const unsubmitted = await rlimit(['run', '--on', 'slurm', '--strict', '--', 'true']);
    expect(unsubmitted.status).toBe(125);
    expect(unsubmitted.stderr).toContain('not submitted: --strict, and Slurm cannot hold every');
  });

  it.each([
    [
      'time-limit',
      { scontrol: SCONTROL.timeout },
      /^ended by Slurm at its own RuntimeMaxSec=1min 30s/,
    ],
    [
      'cancelled',
      { scontrol: SCONTROL.cancelled, sacct: SACCT.cancelled },
      /^cancelled by user 1000/,
    ],
    ['node-failed', { scontrol: SCONTROL.nodeFail }, /^ended because its node failed/],
    ['memory-max', { scontrol: SCONTROL.oom }, /^killed at its own MemoryMax=64M/],
    ['foreign-signal', { scontrol: SCONTROL.sigkill }, /^ended by SIGKILL from somebody else/],
  ])('tells %s from what Slurm says of a step', async (id, says, words) => {
    const { rlimit } = submitHost(says);
    const args = ['run', '--on', 'slurm', '--json', ...WISHES, '--', 'sh', '-c', 'kill -9 $$'];
    const { status, stderr } = await rlimit(args);
    expect(status).toBe(137);
    const { verdict, slurm, launcher } = outcomeOf(stderr);
    expect({ launcher, step: slurm?.step }).toEqual({ launcher: 'slurm', step: '12.0' });
    expect(verdict.id).toBe(id);
    expect(verdict.says).toMatch(words);
    const listed = JSON.parse((await rlimit(['history', '--json'])).stdout) as { runs: Outcome[] };
    expect(listed.runs.at(-1)).toMatchObject({ launcher: 'slurm', verdict: { id } });
  });

  it('goes by the words of srun where Slurm says nothing, and says whose they are', async () => {
    const { rlimit, fake } = submitHost();
    fake(
      'end',
      'slurmstepd-guest: error: *** STEP 12.0 ON guest CANCELLED AT X DUE TO TIME LIMIT ***\n',
    );
    const { stderr } = await rlimit([
      ...['run', '--on', 'slurm', '--json', '--', 'sh', '-c', 'kill -9 $PPID; kill -9 $$'],
    ]);
    const { verdict, status } = outcomeOf(stderr);
    expect({ id: verdict.id, status }).toEqual({ id: 'time-limit', status: 1 });
    expect(verdict.evidence.join('\n')).toContain('sacct knows nothing: Slurm accounting storage');
  });

  it('gives back why Slurm took no job', async () => {
    const { rlimit, fake } = submitHost();
    fake('refuse', 'srun: error: Unable to allocate resources: Invalid partition name specified\n');
    const { status, stderr } = await rlimit(['run', '--on', 'slurm:partition=debug', '--', 'true']);
    expect(status).toBe(125);
    expect(stderr).toContain('It says: Unable to allocate resources: Invalid partition name');
  });

  it.each([
    [['--jobs', 'auto'], '--jobs auto and --on slurm do not go together'],
    [['--launcher', 'user'], '--launcher and --on slurm'],
    [['--slice', 'x'], '--slice and --on slurm'],
    [['--nice', '5'], '--nice and --on slurm'],
    [['--keep'], '--keep and --on slurm'],
    [['--wait'], '--wait and --on slurm'],
    [['--on', 'pbs'], 'the only place besides here is slurm'],
    [['-p', 'MemoryMax=100G'], 'more than this machine has'],
  ])('refuses %j', async (args, message) => {
    const { rlimit } = submitHost();
    const { status, stderr } = await rlimit(['run', '--on', 'slurm', ...args, '--', 'true']);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });

  it('says what is missing where there is no Slurm, and no such partition', async () => {
    const nowhere = await desk().rlimit(['run', '--on', 'slurm', '--', 'true'], {
      PATH: '/usr/bin:/bin',
    });
    expect(nowhere.status).toBe(3);
    expect(nowhere.stderr).toContain('sudo apt-get install slurm-client');
    const { rlimit } = submitHost();
    const { status, stderr } = await rlimit([
      'run',
      '--on',
      'slurm:partition=nosuch',
      '--',
      'true',
    ]);
    expect(status).toBe(3);
    expect(stderr).toContain('does not tell what the nodes of partition nosuch have');
    const spoiled = await rlimit(['run', '--on', 'slurm', '--', 'true'], { SLURM_LABELIO: '1' });
    expect(spoiled.status).toBe(2);
  });
});
