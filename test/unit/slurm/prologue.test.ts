import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseReport, wrapStep } from '../../../src/slurm/index.js';
import type { Wanted } from '../../../src/slurm/prologue.js';

const scratch = mkdtempSync(join(tmpdir(), 'rlimit-step-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const WORD = 'rlimit-word';
const MIB = 1024 ** 2;

/** A node with these files below /proc and /sys/fs/cgroup. */
function node(files: Record<string, string>) {
  const root = mkdtempSync(join(scratch, 'node-'));
  for (const [path, text] of Object.entries(files)) {
    const full = join(root, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text);
  }
  return { proc: join(root, 'proc'), cgroup: join(root, 'cgroup') };
}

const JOB = 'cgroup/system.slice/n1_slurmstepd.scope/job_5';
const TASK = `${JOB}/step_0/user/task_0`;
/** As slurmd 24.11 makes it on cgroup v2. */
const V2 = {
  'proc/self/cgroup': `0::${TASK.slice('cgroup'.length)}\n`,
  'proc/self/status': 'Name:\tsh\nCpus_allowed:\t1\nCpus_allowed_list:\t0-1\n',
  [`${TASK}/memory.max`]: 'max\n',
  [`${TASK}/memory.peak`]: '1234567\n',
  [`${TASK}/memory.events`]: 'low 0\noom 0\noom_kill 2\n',
  [`${TASK}/cpuset.cpus.effective`]: '0-1\n',
  [`${TASK}/cpu.stat`]: 'usage_usec 4242\nuser_usec 1\n',
  [`${JOB}/step_0/user/memory.max`]: `${64 * MIB}\n`,
  [`${JOB}/step_0/user/memory.events`]: 'oom 0\noom_kill 2\n',
  [`${JOB}/memory.max`]: `${64 * MIB}\n`,
  [`${JOB}/memory.events`]: 'oom 3\noom_kill 2\n',
  'cgroup/system.slice/memory.max': 'max\n',
};
const UNCONSTRAINED = {
  ...V2,
  [`${JOB}/step_0/user/memory.max`]: 'max\n',
  [`${JOB}/memory.max`]: 'max\n',
  [`${TASK}/cpuset.cpus.effective`]: '0-3,8\n',
};
/** cgroup v1, as on nodes of older releases. */
const V1 = {
  'proc/self/cgroup':
    '9:cpu,cpuacct:/\n8:cpuset:/slurm/uid_7/job_5/step_0\n5:memory:/slurm/uid_7/job_5/step_0/task_0\n1:name=systemd:/x\n0::/x\n',
  'proc/self/status': 'Cpus_allowed_list:\t3\n',
  'cgroup/memory/slurm/uid_7/job_5/step_0/task_0/memory.limit_in_bytes': '9223372036854771712\n',
  'cgroup/memory/slurm/uid_7/job_5/step_0/task_0/memory.max_usage_in_bytes': '777\n',
  'cgroup/memory/slurm/uid_7/job_5/step_0/task_0/memory.oom_control':
    'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n',
  'cgroup/memory/slurm/uid_7/job_5/memory.limit_in_bytes': `${64 * MIB}\n`,
  'cgroup/cpuset/slurm/uid_7/job_5/step_0/cpuset.cpus': '3\n',
};

interface Options {
  wanted?: Partial<Wanted>;
  env?: Record<string, string>;
  input?: string;
  shell?: string;
}

/** Runs a command as a step on that node. */
function step(files: Record<string, string>, command: string[], options: Options = {}) {
  const wanted = { memory: 64 * MIB, cpus: 2, strict: false, ...options.wanted };
  const [, ...args] = wrapStep(command, { word: WORD, wanted, roots: node(files) });
  const env = { PATH: process.env.PATH, SLURM_JOB_ID: '5', SLURM_STEP_ID: '0', ...options.env };
  const { status, signal, stdout, stderr } = spawnSync(options.shell ?? '/bin/sh', args, {
    env: { ...env, SLURMD_NODENAME: 'n1' },
    // bash takes care to be sh only by this name.
    argv0: 'sh',
    input: options.input ?? '',
    encoding: 'utf8',
  });
  const reports = stderr.split('\n').filter((line) => line.startsWith(WORD));
  const [begin, end] = reports.map((line) => parseReport(line.slice(WORD.length)));
  const rest = stderr.split('\n').filter((line) => !line.startsWith(WORD));
  return { status, signal, stdout, begin, end, rest: rest.join('\n') };
}

describe.each(['/bin/sh', '/bin/bash'])('a step, in %s', (shell) => {
  it('tells what holds it, and after the command what the kernel has counted', () => {
    const found = step(V2, ['sh', '-c', 'cat; echo err >&2; exit 7'], { shell, input: 'in' });
    expect(found).toMatchObject({ status: 7, stdout: 'in', rest: 'err\n' });
    expect(found.begin).toEqual({
      begin: {
        step: '5.0',
        node: 'n1',
        memory: 64 * MIB,
        cpuset: '0-1',
        allowed: '0-1',
        given: 2,
        refused: false,
      },
    });
    // Of the job 3 are counted, and all of them from before the command.
    expect(found.end).toEqual({ end: { status: 7, peak: 1234567, oom: 0, kills: 2, cpu: 4242 } });
  });

  it('takes what was counted before off', () => {
    const roots = node(V2);
    const events = join(roots.cgroup, JOB.slice('cgroup/'.length), 'memory.events');
    const wanted = { memory: 64 * MIB, strict: false };
    const [, ...args] = wrapStep(['sh', '-c', `echo 'oom 5' >${events}`], {
      word: WORD,
      wanted,
      roots,
    });
    const { stderr } = spawnSync(shell, args, {
      argv0: 'sh',
      encoding: 'utf8',
      env: { ...process.env, SLURM_JOB_ID: '5' },
    });
    expect(stderr).toContain(' oom=2 kills=2 ');
  });

  it.each([
    ['all is in force', V2, {}, 0],
    ['memory is not', { ...UNCONSTRAINED, [`${TASK}/cpuset.cpus.effective`]: '1\n' }, {}, 125],
    ['the CPUs are not', { ...V2, [`${TASK}/cpuset.cpus.effective`]: '0-3,8\n' }, {}, 125],
    [
      'there are whole cores',
      { ...V2, [`${TASK}/cpuset.cpus.effective`]: '0-3\n' },
      { SLURM_CPUS_ON_NODE: '4' },
      0,
    ],
    ['nobody tells of CPUs', { ...V2, [`${TASK}/cpuset.cpus.effective`]: '\n' }, {}, 125],
    ['nothing can be read', {}, {}, 125],
  ])('with strict starts the command only where %s', (_, files, env, status) => {
    const found = step(files, ['echo', 'started'], { shell, wanted: { strict: true }, env });
    expect(found).toMatchObject({ status, stdout: status === 0 ? 'started\n' : '' });
    expect(found.begin).toMatchObject({ begin: { refused: status !== 0 } });
  });

  it('needs nothing to be in force that was not asked for', () => {
    const { memory: _, ...wanted } = { memory: 0, strict: true };
    const [, ...args] = wrapStep(['true'], { word: WORD, wanted, roots: node(UNCONSTRAINED) });
    expect(spawnSync(shell, args, { argv0: 'sh' }).status).toBe(0);
  });

  it('reads cgroup v1, where no limit is a very large one', () => {
    const held = step(V1, ['true'], { shell });
    expect(held.begin).toMatchObject({ begin: { memory: 64 * MIB, cpuset: '3', allowed: '3' } });
    expect(held.end).toEqual({ end: { status: 0, peak: 777, kills: 1 } });
    const free = Object.fromEntries(
      Object.entries(V1).filter(([path]) => !path.includes('job_5/memory')),
    );
    expect(step(free, ['true'], { shell }).begin).not.toHaveProperty('begin.memory');
  });

  it('takes no counts of a cgroup that is not the job’s own', () => {
    const found = step(V2, ['true'], { shell, env: { SLURM_JOB_ID: '6' } });
    expect(found.end).toEqual({ end: { status: 0 } });
  });

  it('starts a program and no builtin, with its arguments as they are', () => {
    expect(step(V2, ['printf', '%s|', 'a b', '', '*', "'"], { shell }).stdout).toBe("a b||*|'|");
    expect(step(V2, ['cd', '/'], { shell }).status).toBe(127);
    expect(step(V2, ['/'], { shell }).status).toBe(126);
  });

  it('keeps status and environment, and says nothing of a death by signal', () => {
    const env = { RLIMIT_PROFILE: 'x', IFS: ':' };
    const killed = step(V2, ['sh', '-c', 'printf %s "$RLIMIT_PROFILE"; kill -9 $$'], {
      shell,
      env,
    });
    expect(killed).toMatchObject({ status: 137, stdout: 'x', rest: '' });
    expect(killed.end).toMatchObject({ end: { status: 137 } });
    const { stdout } = step(V2, ['env'], { shell });
    expect(stdout).not.toContain('RLIMIT_S_');
  });

  it.each(['HUP', 'INT', 'QUIT', 'TERM', 'USR1'])('hands SIG%s on to the command', (signal) => {
    const command = `trap "echo saved; exit 3" ${signal}; kill -${signal} $PPID; sleep 0.3; :`;
    const found = step(V2, ['sh', '-c', command], { shell });
    expect(found).toMatchObject({ status: 3, stdout: 'saved\n' });
    expect(found.end).toMatchObject({ end: { status: 3 } });
  });
});

it('other lines are no report', () => {
  for (const line of ['', ' begin', ' begin x', ' middle a=b.', ' end status=3']) {
    expect(parseReport(line)).toBeUndefined();
  }
});
