import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it, onTestFinished } from 'vitest';
import { desk } from './cli.js';

const executable = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

/** Takes 4 MiB after 4 MiB up to 80, and is done a little later. */
const GROW =
  'const all = []; const timer = setInterval(() => { all.push(Buffer.alloc(4 << 20, 1)); ' +
  'if (all.length === 20) { clearInterval(timer); setTimeout(() => {}, 200); } }, 120)';

/** A build of such jobs, under a profile that expects less of them and allows eight at a time. */
function place(jobs: number) {
  const { rlimit, project, write } = desk();
  const runtime = dirname(write('runtime/x', ''));
  const root = dirname(project);
  const names = Array.from({ length: jobs }, (_, index) => `job${index}`).join(' ');
  write('project/grow.js', GROW);
  write(
    'project/Makefile',
    `all: ${names}\n${names}:\n\t@echo >>counts; '${process.execPath}' grow.js; echo >>ended\n`,
  );
  write('config/rlimit/profiles/mine.yaml', 'jobs: {memory: 10M-20M, cores: 0.25}\n');
  const env = {
    ...{ XDG_RUNTIME_DIR: runtime, XDG_STATE_HOME: join(root, 'state') },
    ...{ XDG_CONFIG_HOME: join(root, 'config'), HOME: root, MAKEFLAGS: '' },
  };
  const words = ['run', '--jobs', 'auto', '--launcher', 'watched', 'mine'];
  return { project, runtime, env, words, rlimit: (args: string[]) => rlimit(args, env) };
}

/** Live processes whose command line has that word, with their states. */
function statesOf(word: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      if (!/^\d+$/.test(pid) || !readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word)) {
        return [];
      }
      const cwd = readFileSync(`/proc/${pid}/stat`, 'utf8');
      return [/\) (\w)/.exec(cwd)?.[1] ?? ''];
    } catch {
      return [];
    }
  });
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(20);
}

const linesOf = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').length : 0);

describe('run --jobs auto', () => {
  it('keeps a build below its limit that would be killed with all its jobs at once', async () => {
    const { rlimit, words, runtime } = place(12);
    const { status, stderr } = await rlimit([
      ...words,
      '-p',
      'MemoryMax=600M',
      '--json',
      '--',
      'make',
    ]);
    expect(status).toBe(0);
    const outcome = JSON.parse(stderr.trim().split('\n').at(-1) ?? '');
    expect(outcome).toMatchObject({
      verdict: { id: 'finished' },
      jobserver: { style: 'pipe', surplus: 0, kills: 0 },
      jobFigures: { seen: 12 },
    });
    expect(outcome.jobserver.most).toBeGreaterThan(0);
    expect(outcome.jobserver.most).toBeLessThanOrEqual(outcome.jobserver.cap);
    expect(outcome.series.tokens.length).toBe(outcome.series.memory.length);
    expect(readdirSync(join(runtime, 'rlimit'))).toEqual([]);
  });

  it('killed, leaves nobody frozen, and the build goes on with its tokens', async () => {
    const { project, words, env } = place(10);
    const args = [
      ...words,
      '-q',
      '-p',
      'MemoryMax=300M',
      '--',
      'sh',
      '-c',
      'make; echo $? >status',
    ];
    const rlimit = spawn(executable, args, { cwd: project, env: { ...process.env, ...env } });
    onTestFinished(() => void rlimit.kill('SIGKILL'));
    const word = 'grow.js';
    await until(() => statesOf(word).includes('T') || rlimit.exitCode !== null);
    expect(statesOf(word)).toContain('T');
    rlimit.kill('SIGKILL');
    await until(() => !statesOf(word).includes('T'));
    await until(() => existsSync(join(project, 'status')));
    expect(readFileSync(join(project, 'status'), 'utf8')).toBe('0\n');
    expect(linesOf(join(project, 'ended'))).toBe(10);
  });

  it('lets a frozen job hear that it is to end', async () => {
    const { project, words, env } = place(10);
    const args = [...words, '-q', '-p', 'MemoryMax=300M', '--', 'make'];
    const rlimit = spawn(executable, args, { cwd: project, env: { ...process.env, ...env } });
    const ended = new Promise((resolve) => rlimit.once('exit', (_, signal) => resolve(signal)));
    onTestFinished(() => void rlimit.kill('SIGKILL'));
    await until(() => statesOf('grow.js').includes('T') || rlimit.exitCode !== null);
    expect(statesOf('grow.js')).toContain('T');
    rlimit.kill('SIGTERM');
    expect(await ended).toBe('SIGTERM');
    await until(() => statesOf('grow.js').length === 0);
    expect(linesOf(join(project, 'ended'))).toBeLessThan(10);
  });

  it('shares the machine with another one', async () => {
    const { rlimit, words, project } = place(90);
    await writeFile(join(project, 'grow.js'), 'setTimeout(() => {}, 400)');
    const run = async (...targets: string[]) => {
      const command = ['-p', 'MemoryMax=infinity', '--json', '--', 'make', ...targets];
      const { stderr } = await rlimit([...words, ...command]);
      return JSON.parse(stderr.trim().split('\n').at(-1) ?? '');
    };
    const first = run();
    await until(() => linesOf(join(project, 'counts')) > 6);
    const second = await run(...Array.from({ length: 24 }, (_, index) => `job${index}`));
    const { series } = await first;
    expect(second.jobserver.cap).toBe(7);
    // Eight jobs for both: the four of the second are three tokens and its own slot.
    // One more where the first has a moment in which it wants less.
    expect(second.jobserver.most).toBeLessThanOrEqual(5);
    expect(Math.max(...series.tokens)).toBe(7);
    expect(Math.min(...series.tokens.slice(1, -2))).toBeLessThanOrEqual(4);
  });

  it('says before the start what will not ask, and what is there already', async () => {
    const { rlimit, words, env } = place(1);
    const own = await rlimit([...words, '--', 'make', '-j8', 'nothing']);
    expect(own.stderr.replace(/\s+/g, ' ')).toMatch(
      /warning: make takes -j8 before the jobserver.*instead: .*make nothing/,
    );
    env.MAKEFLAGS = '-j4 --jobserver-auth=3,4';
    const inner = await rlimit([...words, '--', 'true']);
    expect(inner.stderr.replace(/\s+/g, ' ')).toContain('--jobs auto makes no other one');
  });

  it('shows with --dry-run what would be set, and on what it rests', async () => {
    const { rlimit, words, env } = place(1);
    const dry = await rlimit([...words, '--dry-run', '--', 'make']);
    expect(dry.stdout).toMatch(/MAKEFLAGS=-j\d+ --jobserver-auth=10,11/);
    expect(dry.stderr.replace(/\s+/g, ' ')).toContain('10M expected of each (jobs.memory of mine)');
    const taken = await execa(executable, [...words, '--dry-run', '--', 'make'], {
      stdio: ['ignore', 'pipe', 'pipe', ...Array(7).fill('ignore'), 'pipe'],
      env,
    });
    expect(taken.stdout).toContain('--jobserver-auth=11,12');
    const json = await rlimit([...words, '--dry-run', '--json', '--', 'make']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      jobserver: { auth: { read: 10, write: 11 }, expected: 10 * 1024 ** 2, onDanger: 'freeze' },
    });
  });
});
