import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type AdmissionOptions, admit } from '../../../src/budget/admit.js';
import { BudgetError } from '../../../src/errors/index.js';
import type { UnitRecord } from '../../../src/model/index.js';
import { readRecords, removeRecord, writeRecord } from '../../../src/state/index.js';
import { DEAD_RUNNER, type Desk, desk, MEBIBYTE, record } from './desk.js';

let bundle: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  bundle = mkdtempSync(`${tmpdir()}/rlimit-applicant-`);
  await build({
    entryPoints: [fileURLToPath(new URL('./applicant.ts', import.meta.url))],
    outfile: `${bundle}/applicant.mjs`,
    bundle: true,
    platform: 'node',
    format: 'esm',
    loader: { '.yaml': 'text' },
    logLevel: 'error',
  });
});
afterAll(() => rmSync(bundle, { recursive: true }));
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Another process that wants in. */
interface Applicant {
  child: ChildProcess;
  /** The lines it has said. */
  said: string[];
  ended: Promise<unknown[]>;
}

function apply(
  here: Desk,
  unit: string,
  task: {
    memoryMax?: string;
    wait?: boolean;
    holdMs?: number;
    rounds?: number;
    ignoredSignals?: number[];
  } = {},
): Applicant {
  const whole = {
    unit: `${unit}.scope`,
    memoryMax: '100M',
    wait: true,
    log: `${here.root}/log`,
    ...here.places,
    ...task,
  };
  const child = spawn(process.execPath, [`${bundle}/applicant.mjs`, JSON.stringify(whole)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const said: string[] = [];
  child.stdout?.on('data', (data: Buffer) => said.push(...data.toString().trim().split('\n')));
  return { child, said, ended: once(child, 'close') };
}

const untilSaid = ({ said }: Applicant, line: string) =>
  vi.waitFor(() => expect(said).toContain(line), { timeout: 20_000, interval: 20 });

/** What is left of runs and waiters. */
const left = ({ directory }: Desk) => readdirSync(directory).filter((name) => name !== 'keep');

/** The log of comings and goings, as units and their changes in MiB. */
const logOf = ({ root }: Desk) =>
  readFileSync(`${root}/log`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
    .map(([change, unit]) => ({ change: Number(change), unit: unit?.replace('.scope', '') }));

/** The most that was held at one time, in MiB. */
function most(log: readonly { change: number }[]): number {
  let sum = 0;
  return Math.max(
    ...log.map(({ change }) => {
      sum += change;
      return sum;
    }),
  );
}

const ask = (here: Desk, wanted: UnitRecord, options: AdmissionOptions = {}) =>
  admit({ record: wanted, wait: false }, { ...here.places, ...options });

describe('admission', () => {
  it('without a budget, or outside it, takes no lock and leaves nothing', async () => {
    const here = desk();
    const path = process.env.PATH;
    process.env.PATH = '/nowhere';
    try {
      expect(await ask(here, record('a.scope', '1G'))).toBe(false);
      here.setBudget();
      expect(await ask(here, record('a.scope', '1G'))).toBe(false);
      here.setBudget(300);
      const elsewhere = record('a.scope', '1G', { slice: 'mine.slice' });
      expect(await ask(here, elsewhere)).toBe(false);
      expect(await ask(here, record('a.scope', '1G', { within: 'b.scope' }))).toBe(false);
      await expect(ask(here, record('a.scope', '1M'))).rejects.toThrow('lock');
      expect(left(here)).toEqual([]);
    } finally {
      process.env.PATH = path;
    }
  });

  it('reserves by writing the record, and refuses what does not fit with who holds what', async () => {
    const here = desk();
    here.setBudget(300);
    expect(await ask(here, record('a.scope', '200M'))).toBe(true);
    const { runner: _, ...withoutRunner } = record('b.scope', '100M');
    expect(await ask(here, withoutRunner)).toBe(true);
    expect(readRecords(here.directory).records.map(({ runner }) => runner?.pid)).toEqual([
      process.pid,
      process.pid,
    ]);
    const refused = await ask(here, record('c.scope', '16M')).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(BudgetError);
    expect(refused).toMatchObject({
      id: 'budget',
      exitCode: 125,
      message: 'the budget has no room for the run: it wants 16M, and 0K of 300M are free',
      why: expect.stringMatching(/^a\.scope holds 200M for .* now: make -j4\nb\.scope holds 100M /),
      remedy: expect.stringContaining('--wait; or end one: rlimit kill a.scope'),
      details: { wants: 16 * MEBIBYTE, budget: { free: 0, promised: 300 * MEBIBYTE } },
    });
    expect(left(here)).toEqual(['a.scope.json', 'b.scope.json']);
  });

  it('that can never come is refused at once, also to those who would wait', async () => {
    const here = desk();
    here.setBudget(300);
    const asked = admit({ record: record('a.scope', '301M'), wait: true }, here.places);
    await expect(asked).rejects.toMatchObject({
      message: expect.stringContaining('larger than the whole budget: it wants 301M of 300M'),
      remedy: expect.stringContaining('-p MemoryMax=300M'),
    });
    expect(left(here)).toEqual([]);
  });

  it('gives a run without MemoryMax the whole budget or none', async () => {
    const here = desk();
    here.setBudget(300);
    expect(await ask(here, record('all.scope'))).toBe(true);
    await expect(ask(here, record('b.scope', '16M'))).rejects.toThrow('no room');
    removeRecord(here.directory, 'all.scope');
    expect(await ask(here, record('b.scope', '16M'))).toBe(true);
    await expect(ask(here, record('all.scope', 'infinity'))).rejects.toThrow('wants all');
  });

  it('removes what the dead left, and keeps the room of processes that outlive rlimit', async () => {
    const here = desk();
    here.setBudget(300);
    writeRecord(here.directory, record('dead.scope', '300M', { runner: DEAD_RUNNER }));
    writeRecord(here.directory, record('orphaned.scope', '200M', { runner: DEAD_RUNNER }));
    here.populate('orphaned.scope', true);
    await expect(ask(here, record('a.scope', '200M'))).rejects.toThrow('no room');
    expect(left(here)).toEqual(['orphaned.scope.json']);
    here.populate('orphaned.scope', false);
    expect(await ask(here, record('a.scope', '200M'))).toBe(true);
    expect(left(here)).toEqual(['a.scope.json']);
  });

  it('does not let a name be taken twice', async () => {
    const here = desk();
    here.setBudget(300);
    await ask(here, record('a.scope', '100M'));
    const second = ask(here, record('a.scope', '50M'));
    await expect(second).rejects.toMatchObject({ exitCode: 125, id: 'cannot-run' });
    expect(readRecords(here.directory).records).toMatchObject([
      { properties: { MemoryMax: '100M' } },
    ]);
  });
});

describe('many at once', () => {
  it('never have more than the budget, all come in, and nothing is left', async () => {
    const here = desk();
    here.setBudget(500);
    const sizes = ['100M', '200M', '150M', '300M', '50M'];
    const all = Array.from({ length: 20 }, (_, index) =>
      apply(here, `u${index}`, { memoryMax: sizes[index % 5] ?? '', holdMs: 30 }),
    );
    await Promise.all(all.map(({ ended }) => ended));
    expect(all.map(({ said }) => said.at(-1))).toEqual(all.map(() => 'in true'));
    const log = logOf(here);
    expect(log).toHaveLength(40);
    expect(most(log)).toBeLessThanOrEqual(500);
    expect(left(here)).toEqual([]);
  }, 60_000);

  it('never both take the last room, however often they try', async () => {
    const here = desk();
    here.setBudget(100);
    const all = Array.from({ length: 6 }, (_, index) =>
      apply(here, `u${index}`, { wait: false, rounds: 100 }),
    );
    await Promise.all(all.map(({ ended }) => ended));
    const log = logOf(here);
    expect(log.length).toBeGreaterThan(100);
    expect(most(log)).toBe(100);
    expect(left(here)).toEqual([]);
  }, 60_000);

  it('that do not wait: exactly as many come in as there is room for', async () => {
    const here = desk();
    here.setBudget(250);
    const all = Array.from({ length: 8 }, (_, index) => apply(here, `u${index}`, { wait: false }));
    await Promise.all(all.map((one) => vi.waitFor(() => expect(one.said).toHaveLength(1), 30_000)));
    const said = all.flatMap((one) => one.said).sort();
    expect(said).toEqual([...Array(2).fill('in true'), ...Array(6).fill('refused budget 125')]);
  }, 60_000);
});

describe('waiting', () => {
  it('is in order of arrival, also for one that would fit at once', async () => {
    const here = desk();
    here.setBudget(300);
    await ask(here, record('holder.scope', '200M'));
    const sizes = ['300M', '20M', '250M', '20M'];
    const waiting: Applicant[] = [];
    for (const [index, memoryMax] of sizes.entries()) {
      const applicant = apply(here, `w${index}`, { memoryMax, holdMs: 50 });
      await untilSaid(applicant, `place ${index + 1}`);
      waiting.push(applicant);
    }
    await expect(ask(here, record('late.scope', '20M'))).rejects.toMatchObject({
      message: expect.stringContaining('not its turn'),
      why: expect.stringContaining('w0.scope waits for 300M (place 1)'),
    });
    removeRecord(here.directory, 'holder.scope');
    await Promise.all(waiting.map(({ ended }) => ended));
    const came = logOf(here).filter(({ change }) => change > 0);
    expect(came.map(({ unit }) => unit)).toEqual(['w0', 'w1', 'w2', 'w3']);
    expect(waiting[3]?.said.filter((line) => line.startsWith('place'))).toContain('place 4');
    expect(left(here)).toEqual([]);
  }, 60_000);

  it('goes on when one in front is killed or ends by a signal, who leaves nothing', async () => {
    const here = desk();
    here.setBudget(300);
    await ask(here, record('holder.scope', '200M'));
    const waiting: Applicant[] = [];
    for (const [index, memoryMax] of ['300M', '200M', '100M'].entries()) {
      const applicant = apply(here, `w${index}`, { memoryMax });
      await untilSaid(applicant, `place ${index + 1}`);
      waiting.push(applicant);
    }
    const [killed, ended, last] = waiting;
    killed?.child.kill('SIGKILL');
    await untilSaid(last as Applicant, 'place 2');
    ended?.child.kill('SIGTERM');
    expect(await ended?.ended).toEqual([null, 'SIGTERM']);
    await untilSaid(last as Applicant, 'in true');
    expect(left(here).sort()).toEqual(['holder.scope.json', 'w2.scope.json']);
  }, 60_000);

  it('lets others pass one that is stopped, who keeps the place', async () => {
    const here = desk();
    here.setBudget(300);
    await ask(here, record('holder.scope', '200M'));
    const stopped = apply(here, 'stopped', { memoryMax: '300M' });
    await untilSaid(stopped, 'place 1');
    stopped.child.kill('SIGSTOP');
    const small = apply(here, 'small');
    await untilSaid(small, 'in true');
    stopped.child.kill('SIGCONT');
    await expect(ask(here, record('late.scope', '16M'))).rejects.toThrow('wants 16M');
    removeRecord(here.directory, 'holder.scope');
    small.child.kill('SIGKILL');
    await untilSaid(stopped, 'in true');
  }, 60_000);

  it('ends when the budget is taken away or becomes too small', async () => {
    const here = desk();
    here.setBudget(300);
    await ask(here, record('holder.scope', '200M'));
    const large = apply(here, 'large', { memoryMax: '300M' });
    await untilSaid(large, 'place 1');
    const small = apply(here, 'small', { memoryMax: '150M' });
    await untilSaid(small, 'place 2');
    here.setBudget(250);
    await untilSaid(large, 'refused budget 125');
    here.setBudget();
    await untilSaid(small, 'in true');
    expect(left(here).sort()).toEqual(['holder.scope.json', 'small.scope.json']);
  }, 60_000);

  it('goes on through a signal that the caller ignores', async () => {
    const here = desk();
    here.setBudget(300);
    await ask(here, record('holder.scope', '300M'));
    const nohup = apply(here, 'nohup', { ignoredSignals: [1] });
    await untilSaid(nohup, 'place 1');
    nohup.child.kill('SIGHUP');
    removeRecord(here.directory, 'holder.scope');
    await untilSaid(nohup, 'in true');
  }, 60_000);
});
