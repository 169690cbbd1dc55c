import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GiB } from '../../src/quantity/index.js';
import type { StoredOutcome } from '../../src/state/index.js';
import { killedRun, type RunWords, runOf } from '../unit/tune/runs.js';
import { type Desk, desk, shapeOf } from './cli.js';

const DAY = 86_400_000;
const MACHINE = ['--machine', 'cores=16,memory=64G'];
const SIZES = [...Array(36).fill(0.35 * GiB), ...Array(12).fill(0.9 * GiB), 1.9 * GiB];
const SERIES = {
  stepMs: 10_000,
  memory: Array.from({ length: 60 }, (_, at) => Math.min(40, at) * 0.05 * GiB),
  jobs: Array.from({ length: 60 }, (_, at) => Math.min(4, Math.ceil(at / 5))),
  tokens: Array.from({ length: 60 }, (_, at) => Math.min(3, Math.floor(at / 5))),
};

interface TuneDesk extends Desk {
  tune(...args: string[]): ReturnType<Desk['rlimit']>;
}

/** A desk with runs of cxx-build, a day apart, in the project or where it is said. */
function tuneDesk(runs: readonly (RunWords & { killed?: boolean })[], more = ''): TuneDesk {
  const own = desk();
  const lines = runs.map(({ killed = false, ...words }, at) => {
    const run: StoredOutcome = {
      ...(killed ? killedRun : runOf)({ jobs: SIZES, limit: '38G', ...words }),
      profile: 'cxx-build',
      unit: `rlimit-cxx-build-mdx3k2aaa${at}.scope`,
      started: Date.parse('2025-11-20T14:03:22Z') + at * DAY,
      cwd: words.words?.cwd ?? own.project,
      series: SERIES,
    };
    return `${JSON.stringify(run)}\n`;
  });
  own.write('state/rlimit/history.jsonl', lines.join('') + more);
  const env = { TZ: 'UTC', LC_ALL: 'C' };
  return { ...own, tune: (...args) => own.rlimit(['tune', 'cxx-build', ...args], env) };
}

const three = [{}, {}, {}];

describe('rlimit tune with a history', () => {
  it('shows what the runs say beside the table, and draws them', async () => {
    const { status, stdout, stderr } = await tuneDesk(three).tune(...MACHINE, '--picture');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatchSnapshot();
    expect(stdout).toMatch(/^[\x20-\x7e\n]*$/);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('a killed run takes jobs away', async () => {
    const runs = [...three, { killed: true, most: 12, jobs: [GiB] }];
    const { stdout } = await tuneDesk(runs).tune(...MACHINE);
    expect(stdout).toContain('and 1 run killed for lack of memory');
    expect(stdout).toContain('a killed run');
    expect(stdout).toContain('go down: -j9');
    expect(stdout).not.toContain('Memory over time');
  });

  it.each([
    [['--jobs-only'], '6'],
    [['--jobs-only', '--no-history'], '12'],
    [['--jobs-only', '--project', '/usr'], '12'],
  ])('%j prints %s', async (args, jobs) => {
    // Two cores a job: six of them fill 1200%.
    const runs = Array(3).fill({ cores: 6 });
    const { status, stdout } = await tuneDesk(runs).tune(...MACHINE, ...args);
    expect({ status, stdout }).toEqual({ status: 0, stdout: jobs });
  });

  it('only runs of the project count with --project', async () => {
    const runs = [...three, ...Array(3).fill({ words: { cwd: '/srv' } })];
    const { tune, project } = tuneDesk(runs);
    const { stdout } = await tune(...MACHINE, '--project', '.', '--json');
    const { learned } = JSON.parse(stdout);
    expect(learned.evidence.runs).toBe(3);
    expect(learned.directory).toBe(project);
  });

  it('--json', async () => {
    const { stdout } = await tuneDesk(three).tune(...MACHINE, '--json');
    const report = JSON.parse(stdout);
    expect(shapeOf(report)).toMatchSnapshot();
    expect(report.recommended).toBe(report.learned.jobs.value);
  });

  it('a history that cannot be used is passed over, and said', async () => {
    const { tune } = tuneDesk([], 'nonsense\n');
    const { status, stdout, stderr } = await tune(...MACHINE, '--jobs-only');
    expect({ status, stdout }).toEqual({ status: 0, stdout: '12' });
    expect(stderr).toContain('not whole JSON');
  });
});

describe('rlimit tune --plot and --run', () => {
  it('write and draw one run', async () => {
    const { tune, project } = tuneDesk(three);
    const { status, stdout, stderr } = await tune('--run', 'aaa1', '--plot', 'run.svg');
    expect({ status, stderr }).toEqual({ status: 0, stderr: 'rlimit: written: run.svg' });
    expect(stdout).toContain('Memory over time  k2aaa1, finished');
    expect(stdout).toContain('49 in 1 run');
    const svg = readFileSync(join(project, 'run.svg'), 'utf8');
    expect(svg).toContain('rlimit-cxx-build-mdx3k2aaa1.scope');
  });

  it.each([
    [['--run', 'nonsense'], 2, /no run "nonsense"/],
    [['--no-history', '--plot', 'x.svg'], 2, /nothing to draw/],
    [['--yes'], 2, /--yes goes with --apply/],
    [['--apply', ...MACHINE], 2, /--apply is for this machine/],
    [['--project', 'nowhere'], 2, /is no directory/],
    [['--plot', 'x.svg'], 3, /there is nothing to draw/],
    [['--apply', '--yes'], 3, /too few runs of cxx-build to recommend anything/],
  ])('%j ends with %i', async (args, code, message) => {
    const { status, stderr } = await tuneDesk([]).tune(...args);
    expect(status).toBe(code);
    expect(stderr).toMatch(message);
  });
});

describe('rlimit tune --apply', () => {
  it('shows the difference, and asks: in a pipe it refuses, and says what does it', async () => {
    const { tune, profiles } = tuneDesk(three);
    const { status, stdout, stderr } = await tune('--apply');
    expect(status).toBe(2);
    expect(stdout).toContain('--- /dev/null\n+++ ');
    expect(stdout).toContain('+  MemoryMax: ');
    expect(stderr).toContain('mend: rlimit tune cxx-build --apply --yes');
    const dry = await tune('--apply', '--dry-run');
    expect(dry).toMatchObject({ status: 0, stderr: '' });
    expect(dry.stdout).toContain('+  MemoryMax: ');
    expect(existsSync(profiles)).toBe(false);
  });

  it('--yes writes it, keeps the former file, and then there is nothing to do', async () => {
    const { tune, profiles, write, rlimit } = tuneDesk(three);
    write('config/rlimit/profiles/cxx-build.yaml', 'limits:\n  TasksMax: 77 # mine\n');
    const { status, stdout } = await tune('--apply', '--yes');
    expect(status).toBe(0);
    expect(stdout).toContain('written: ');
    const file = join(profiles, 'cxx-build.yaml');
    expect(readFileSync(file, 'utf8')).toMatch(
      /TasksMax: 77 # mine\n {2}MemoryMax: \w+ # rlimit tune/,
    );
    expect(readFileSync(`${file}.bak`, 'utf8')).toBe('limits:\n  TasksMax: 77 # mine\n');
    const again = await tune('--apply', '--yes');
    expect(again.stdout).toContain('There is nothing to change');
    const checked = await rlimit(['profile', 'check', 'cxx-build']);
    expect(checked.status).toBe(0);
  });

  it('--project writes into the file of the project', async () => {
    const { tune, project } = tuneDesk(three);
    const { status, stdout } = await tune('--apply', '--yes', '--project', '.', '--json');
    expect(status).toBe(0);
    const { change } = JSON.parse(stdout);
    const file = join(project, '.rlimit.yaml');
    expect(change).toMatchObject({ file, written: { file } });
    expect(change.diff).toContain('+    jobs:');
    const own = await tune('--apply', '--yes');
    expect(own.stdout).toContain('There is nothing to change');
  });
});
