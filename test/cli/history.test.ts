import { existsSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { StoredOutcome } from '../../src/state/index.js';
import { killed, outcome } from '../unit/history/outcome.js';
import { type Desk, desk, shapeOf } from './cli.js';

const START = Date.parse('2025-11-20T14:03:22Z');
const MINUTE = 60_000;

/** Six runs of two profiles in two directories, a minute apart. */
const RUNS: StoredOutcome[] = [
  outcome({ unit: 'rlimit-coq-standard-mdx3k2aaaa.scope' }),
  killed({ unit: 'rlimit-coq-standard-mdx3k2bbbb.scope' }),
  outcome({
    ...{ unit: 'nightly.scope', profile: 'default', cwd: '/srv', status: 2, elapsedMs: 90_000 },
    command: ['sh', '-c', "echo it's"],
    verdict: { id: 'failed', says: 'failed by itself with status 2', evidence: [] },
  }),
  outcome({
    unit: 'rlimit-default-mdx3k2cccc.scope',
    profile: 'default',
    figures: {},
    cwd: '/srv',
  }),
  outcome({ unit: 'rlimit-gone-mdx3k2dddd.scope', profile: 'gone', elapsedMs: 800 }),
  outcome({ unit: 'nightly.scope', profile: 'default', cwd: '/srv/x', elapsedMs: 1000 }),
].map((run, index) => ({ ...run, started: START + index * MINUTE }));

interface HistoryDesk extends Desk {
  file: string;
  history(...args: string[]): ReturnType<Desk['rlimit']>;
}

/** A desk with a history: the first runs in the old generation. */
function historyDesk(runs = RUNS, more = ''): HistoryDesk {
  const lines = runs.map((run) => `${JSON.stringify(run)}\n`);
  const own = desk();
  const file = own.write('state/rlimit/history.jsonl', lines.slice(2).join('') + more);
  own.write('state/rlimit/history.jsonl.1', lines.slice(0, 2).join(''));
  return { ...own, file, history: (...args) => own.rlimit(['history', ...args], { TZ: 'UTC' }) };
}

describe('rlimit history', () => {
  it('lists the runs, the newest last', async () => {
    const { status, stdout, stderr } = await historyDesk().history();
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatchSnapshot();
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it.each([
    [
      ['--profile', 'coq-standard'],
      ['aaaa', 'bbbb'],
    ],
    [['--profile', 'gone'], ['dddd']],
    [['--profile', 'coq-single'], []],
    [['--failed'], ['bbbb', 'nightly']],
    [['--verdict', 'memory-max'], ['bbbb']],
    [
      ['--limit', '2'],
      ['dddd', 'nightly'],
    ],
    [
      ['--limit', '0', '--cwd', '/srv'],
      ['nightly', 'cccc', 'nightly'],
    ],
    [['--cwd', '/srv/x/'], ['nightly']],
    [['--here'], []],
    [['--since', '2025-11-20 14:06', '--until', '2025-11-20 14:06'], ['cccc']],
    [['--since', '2h'], []],
    [['--until', '2025-11-19'], []],
    [['--since', '2025-11-20', '--until', '2025-11-20', '--limit', '1'], ['nightly']],
  ])('%j', async (args, ends) => {
    const { status, stdout } = await historyDesk().history(...args, '--json');
    expect(status).toBe(0);
    const ids = (JSON.parse(stdout) as { runs: { id: string }[] }).runs.map(({ id }) => id);
    expect(ids.map((id) => id.replace('mdx3k2', ''))).toEqual(ends);
  });

  it('says how many it does not show', async () => {
    const { stderr, stdout } = await historyDesk().history('--limit', '2');
    expect(stdout.split('\n')).toHaveLength(3);
    expect(stderr).toBe('The latest 2 of 6 runs; --limit 0 shows all.');
  });

  it('shows 20 runs where no number is given', async () => {
    const many = Array.from({ length: 30 }, (_, n) => outcome({ unit: `u${n}.scope` }));
    const { stdout } = await historyDesk(many).history('--json');
    const { runs, fitting } = JSON.parse(stdout) as { runs: { id: string }[]; fitting: number };
    expect([runs.length, runs[0]?.id, runs.at(-1)?.id, fitting]).toEqual([20, 'u10', 'u29', 30]);
  });

  it('shows one run', async () => {
    const { history } = historyDesk();
    const { status, stdout } = await history('2bbbb');
    expect(status).toBe(0);
    expect(stdout).toMatchSnapshot();
    const { stdout: nightly } = await history('nightly');
    expect(nightly).toContain('started   2025-11-20 14:08:22');
    expect((await history('rlimit-coq-standard-mdx3k2bbbb.scope')).stdout).toBe(stdout);
  });

  it('sums up by profile', async () => {
    const { history } = historyDesk();
    expect((await history('--totals')).stdout).toMatchSnapshot();
    const { stdout } = await history('--totals', '--profile', 'default', '--limit', '2');
    expect(stdout).toMatch(/^default +2 /m);
  });

  it.each([[[]], [['2bbbb']], [['--totals']]])('--json of %j', async (args) => {
    const { stdout } = await historyDesk(RUNS, '{torn').history(...args, '--json');
    expect(shapeOf(JSON.parse(stdout))).toMatchSnapshot();
  });

  it('of nothing is no failure', async () => {
    const { rlimit } = desk();
    const result = await rlimit(['history']);
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout).toMatch(/^No run/);
    const totals = await rlimit(['history', '--totals', '--json']);
    expect(JSON.parse(totals.stdout)).toMatchObject({ profiles: [], all: { runs: 0 } });
  });

  it('says which lines it passed over', async () => {
    const { history, file } = historyDesk(RUNS, '{torn\n{"version":1}\n');
    const { status, stdout, stderr } = await history();
    expect(status).toBe(0);
    expect(stdout.split('\n')).toHaveLength(7);
    expect(stderr).toBe(
      `rlimit: warning: ${file}: 2 lines passed over (line 5: it is not whole JSON; ` +
        'line 6: its field unit is missing or of a wrong type)',
    );
  });

  it('that cannot be read ends with 3', async () => {
    const { history, file } = historyDesk();
    unlinkSync(file);
    symlinkSync('/etc/passwd', file);
    const { status, stdout, stderr } = await history();
    expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
    expect(stderr).toContain(`mend: rm ${file}`);
  });

  it.each([
    [['zzzz'], /there is no run "zzzz"/],
    [['3k2bbbb', '--failed'], /do not apply/],
    [['--profile', 'coq-standrd'], /Did you mean coq-standard/],
    [['--verdict', 'oom'], /memory-max/],
    [['--since', '2026'], /--since "2026" is no time/],
    [['--limit', '-1'], /limit/],
    [['--limit', 'x'], /limit/],
    [['--cwd', '/', '--here'], /--cwd/],
    [['--clear'], /would forget 6 runs for good/],
    [['--clear', '--yes', '--profile', 'gone'], /takes nothing but --yes/],
    [['--clear', '--yes', 'nightly'], /takes nothing but --yes/],
    [['--clear', '--yes', '--limit', '2'], /takes nothing but --yes/],
    [['--clear', '--yes', '--totals'], /takes nothing but --yes/],
    [['--yes'], /--clear/],
  ])('%j ends with 2, and loses nothing', async (args, message) => {
    const { history, file } = historyDesk();
    const before = [file, `${file}.1`].map((path) => readFileSync(path, 'utf8'));
    const { status, stdout, stderr } = await history(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect([file, `${file}.1`].map((path) => readFileSync(path, 'utf8'))).toEqual(before);
  });

  it('--clear --yes forgets all', async () => {
    const { history, file } = historyDesk();
    const { status, stdout } = await history('--clear', '--yes');
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'Forgot 6 runs.' });
    expect([file, `${file}.1`].filter(existsSync)).toEqual([]);
    writeFileSync(file, `${JSON.stringify(RUNS[0])}\n`);
    const json = await history('--clear', '--yes', '--json');
    expect(JSON.parse(json.stdout)).toEqual({ file, cleared: 1 });
  });

  it('is completed', async () => {
    const { rlimit } = historyDesk();
    const words = async (...line: string[]) =>
      (await rlimit(['completion', '--words', '--', 'history', ...line])).stdout.split('\n');
    expect(await words('--profile', 'coq-s')).toEqual(['coq-single', 'coq-standard']);
    expect(await words('--verdict', 'mem')).toEqual(['memory-max']);
    expect(await words('n')).toEqual(['nightly']);
  });
});
