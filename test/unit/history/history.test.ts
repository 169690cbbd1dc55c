import { describe, expect, it } from 'vitest';
import {
  findRun,
  latest,
  nameRuns,
  parseMoment,
  selectRuns,
  totalsByProfile,
  totalsOf,
  VERDICTS,
} from '../../../src/history/index.js';
import { killed, OUTCOME, outcome } from './outcome.js';

const unit = (name: string) => outcome({ unit: name });

describe('the id of a run', () => {
  it.each([
    ['rlimit-coq-standard-mdx3k2j1abc.scope', 'mdx3k2j1abc', '2j1abc'],
    ['rlimit-coq-standard-abc.scope', 'abc', 'abc'],
    ['nightly-build.scope', 'nightly-build', 'nightly-build'],
    // A name of the user's own that only begins like ours.
    ['rlimit-coq-mdx3k2j1abc.scope', 'rlimit-coq-mdx3k2j1abc', 'rlimit-coq-mdx3k2j1abc'],
    ['rlimit-coq-standard-a.b.scope', 'rlimit-coq-standard-a.b', 'rlimit-coq-standard-a.b'],
  ])('%s is %s, short %s', (name, id, shortId) => {
    expect(nameRuns([unit(name)])).toMatchObject([{ id, shortId }]);
  });

  it('is shown whole where its end would not tell it apart', () => {
    const runs = nameRuns([
      unit('rlimit-coq-standard-aaa222222.scope'),
      unit('rlimit-coq-standard-bbb222222.scope'),
      unit('rlimit-coq-standard-bbb333333.scope'),
      unit('rlimit-coq-standard-bbb333333.scope'),
    ]);
    const ids = ['aaa222222', 'bbb222222', '333333', '333333'];
    expect(runs.map(({ shortId }) => shortId)).toEqual(ids);
  });
});

describe('findRun', () => {
  const runs = nameRuns([
    { ...unit('build.scope'), status: 1 },
    unit('rlimit-coq-standard-aaa1111xyz.scope'),
    unit('rlimit-coq-standard-bbb2222xyz.scope'),
    { ...unit('build.scope'), status: 2 },
    unit('my2222xyz.scope'),
  ]);

  it.each([
    ['aaa1111xyz', 1],
    ['1xyz', 1],
    ['rlimit-coq-standard-bbb2222xyz.scope', 2],
    ['rlimit-coq-standard-bbb2222xyz', 2],
    // The end of an id counts only for ids of ours.
    ['2222xyz', 2],
    ['build', 3],
    ['build.scope', 3],
  ])('%s', (name, index) => {
    expect(findRun(runs, name)).toBe(runs[index]);
  });

  it.each([
    ['xyz', 'is the end of the ids of 2 runs'],
    ['1xyy', 'there is no run "1xyy"'],
    ['uild', 'there is no run'],
    ['', 'there is no run'],
  ])('%j ends with 2', (name, message) => {
    expect(() => findRun(runs, name)).toThrow(
      expect.objectContaining({ exitCode: 2, message: expect.stringContaining(message) }),
    );
  });

  it('names the nearest', () => {
    expect(() => findRun(runs, 'buld')).toThrow(
      expect.objectContaining({ suggestions: expect.arrayContaining(['build']) }),
    );
  });

  it('takes an end that fits one run twice', () => {
    const twice = nameRuns([unit('rlimit-coq-standard-abc.scope'), OUTCOME, OUTCOME]);
    expect(findRun(twice, 'j1abc')).toBe(twice[2]);
  });
});

describe('selectRuns', () => {
  const runs = nameRuns([
    outcome({ profile: 'a', started: 1000, cwd: '/home/dev' }),
    outcome({ profile: 'b', started: 2000, cwd: '/home/dev/x', status: 2 }),
    killed({ profile: 'a', started: 3000, cwd: '/home/devil' }),
    outcome({ profile: 'b', started: 1500, cwd: '/' }),
  ]);
  it.each([
    [{}, [0, 1, 2, 3]],
    [{ profile: 'a' }, [0, 2]],
    [{ profile: 'c' }, []],
    [{ verdict: 'memory-max' }, [2]],
    [{ since: 2000 }, [1, 2]],
    [{ until: 2000 }, [0, 3]],
    [{ since: 1500, until: 2000 }, [3]],
    [{ failed: true }, [1, 2]],
    [{ failed: false }, [0, 1, 2, 3]],
    [{ cwd: '/home/dev' }, [0, 1]],
    [{ cwd: '/' }, [0, 1, 2, 3]],
    [{ profile: 'b', failed: true, cwd: '/home' }, [1]],
  ])('%j', (selection, indices) => {
    expect(selectRuns(runs, selection)).toEqual(indices.map((index) => runs[index]));
  });

  it('the latest are the last ones, and 0 is all', () => {
    expect(latest(runs, 2)).toEqual(runs.slice(2));
    expect(latest(runs, 100)).toEqual(runs);
    expect(latest(runs, 0)).toEqual(runs);
  });
});

describe('parseMoment', () => {
  const at = (...date: [number, number, number, number?, number?, number?]) =>
    new Date(...date).getTime();
  const now = at(2026, 10, 20, 14, 30, 5);
  it.each([
    ['2h', now - 7_200_000, now - 7_200_000],
    ['1h 30min ago', now - 5_400_000, now - 5_400_000],
    ['3d', now - 3 * 86_400_000, now - 3 * 86_400_000],
    ['today', at(2026, 10, 20), at(2026, 10, 21)],
    ['yesterday', at(2026, 10, 19), at(2026, 10, 20)],
    ['2026-11-01', at(2026, 10, 1), at(2026, 10, 2)],
    ['2025-12-31', at(2025, 11, 31), at(2026, 0, 1)],
    ['2024-02-29', at(2024, 1, 29), at(2024, 2, 1)],
    ['2026-11-01 09:15', at(2026, 10, 1, 9, 15), at(2026, 10, 1, 9, 16)],
    ['2026-11-01T09:15:59', at(2026, 10, 1, 9, 15, 59), at(2026, 10, 1, 9, 16)],
    ['9:15', at(2026, 10, 20, 9, 15), at(2026, 10, 20, 9, 16)],
  ])('%s', (text, start, end) => {
    expect(parseMoment('--since', text, { now })).toBe(start);
    expect(parseMoment('--until', text, { now, end: true })).toBe(end);
  });

  it.each([
    ...['', ' ', '2026', '5', '2026-13-01', '2026-02-30', '2026-2-3', '24:00', '12:60', 'noon'],
    ...['infinity', '2026-11-01 ', '-2h', '2026-11-01x', '2h 2026-11-01', '9999999999999y'],
  ])('refuses %j', (text) => {
    expect(() => parseMoment('--since', text, { now })).toThrow(/--since .* is no time/);
  });
});

describe('totals', () => {
  const runs = nameRuns([
    outcome({ profile: 'b', elapsedMs: 1000 }),
    outcome({ profile: 'b', elapsedMs: 9000, figures: {} }),
    killed({ profile: 'b', elapsedMs: 2000 }),
    outcome({ profile: 'a', elapsedMs: 10, status: 2, figures: {} }),
    outcome({ profile: 'a', elapsedMs: 20, verdict: { id: 'throttled', says: '', evidence: [] } }),
  ]);

  it('are by profile, with what is unknown left out', () => {
    expect(totalsByProfile(runs)).toMatchObject([
      { profile: 'a', runs: 2, finished: 1, failed: 1, medianElapsedMs: 15 },
      {
        ...{ profile: 'b', runs: 3, finished: 2, failed: 0, killedForMemory: 1, stopped: 0 },
        ...{ memoryPeak: OUTCOME.figures.memoryPeak, medianElapsedMs: 2000 },
        cpuUsec: OUTCOME.figures.cpuUsec,
      },
    ]);
    expect(totalsOf(runs.slice(1, 2))).not.toHaveProperty('memoryPeak');
    expect(totalsOf([])).toMatchObject({ runs: 0, medianElapsedMs: 0 });
  });

  it.each([
    ['finished', 0, 'finished'],
    ['failed', 2, 'failed'],
    ['memory-max', 137, 'killedForMemory'],
    ['ancestor-memory-max', undefined, 'killedForMemory'],
    ['machine-oom', undefined, 'killedForMemory'],
    ['systemd-oomd', undefined, 'killedForMemory'],
    ['earlyoom', undefined, 'killedForMemory'],
    ['tasks-max', 1, 'failed'],
    ['user-signal', undefined, 'stopped'],
    ['foreign-signal', undefined, 'stopped'],
    ['throttled', 0, 'finished'],
    ['throttled', 1, 'failed'],
    ['stalled', undefined, 'stopped'],
    ['constructor', 0, 'finished'],
  ])('%s with status %s counts as %s', (id, status, kind) => {
    const { status: _, ...rest } = OUTCOME;
    const verdict = { id: id as 'finished', says: '', evidence: [] };
    const run = { ...rest, verdict, ...(status === undefined ? {} : { status }) };
    expect(totalsOf(nameRuns([run]))).toMatchObject({ runs: 1, [kind]: 1 });
  });

  it('know every verdict', () => {
    expect(VERDICTS).toHaveLength(16);
  });
});
