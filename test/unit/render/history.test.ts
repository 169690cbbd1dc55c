import { describe, expect, it } from 'vitest';
import { nameRuns, totalsByProfile, totalsOf } from '../../../src/history/index.js';
import { localTime, shortMoment, shortTime } from '../../../src/render/figures.js';
import {
  renderOneRun,
  renderRuns,
  renderSkipped,
  renderTotals,
} from '../../../src/render/history.js';
import { killed, OUTCOME, outcome } from '../history/outcome.js';

const NOW = new Date(2026, 10, 20, 15, 0, 0).getTime();
const at = (...date: [number, number, number, number, number, number]) =>
  new Date(...date).getTime();
const list = (...outcomes: (typeof OUTCOME)[]) => renderRuns(nameRuns(outcomes), NOW);

describe('the list of runs', () => {
  it('has a line for each', () => {
    const failed = { id: 'failed' as const, says: '', evidence: [] };
    expect(
      list(
        outcome({ started: at(2025, 4, 1, 9, 5, 0), figures: {} }),
        killed({ started: at(2026, 10, 19, 9, 5, 0), unit: 'nightly.scope', elapsedMs: 800 }),
        outcome({
          started: at(2026, 10, 20, 14, 3, 22),
          unit: 'rlimit-coq-standard-mdx3k2jzzzz.scope',
          ...{ status: 2, verdict: failed, command: ['make', 'all', 'with', 'many', 'words'] },
        }),
      ),
    ).toBe(`ID       WHEN         PROFILE       END           TIME   MEM     CPU  COMMAND
2j1abc   2025-05-01   coq-standard  finished    12m34s     -       -  make -j4 …
nightly  11-19 09:05  coq-standard  memory-max   800ms  1.0G       -  make -j4 …
2jzzzz   14:03        coq-standard  failed 2    12m34s  4.2G  35m11s  make all …`);
  });

  it('says when there is nothing', () => {
    expect(list()).toBe('No run is in the history, or none that fits.');
  });

  it('fits 80 columns, whatever it is about', () => {
    const long = 'x'.repeat(60);
    const text = list(
      outcome({ unit: `${long}.scope`, profile: long, command: [long, long] }),
      killed({ verdict: { id: 'ancestor-memory-max', says: '', evidence: [] } }),
      outcome({ elapsedMs: 86_399_000 * 100, figures: { memoryPeak: 1023 * 1024, cpuUsec: 8e13 } }),
      outcome({ command: ['a\n\u001b[31mb'], profile: '\u202e', unit: 'a\tb.scope' }),
    );
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(text.split('\n')).toHaveLength(5);
  });
});

describe('one run', () => {
  const one = (run: typeof OUTCOME) => renderOneRun(nameRuns([run])[0] as never);

  it('is shown with all that is known', () => {
    expect(
      one(outcome({ started: at(2026, 10, 20, 14, 3, 22) })),
    ).toBe(`rlimit-coq-standard-mdx3k2j1abc.scope  finished
  finished

  profile   coq-standard, -j4
  launcher  the user's service manager
  started   2026-11-20 14:03:22
  elapsed   12min 34s
  ended     status 0
  limits    MemoryMax=150G CPUQuota=infinity
  memory    4.2G at most, anonymous 3.8G, swap 0B
  CPU       35min 11s, 280% of one CPU on average, throttled for 1min 1s, in 13%
            of the periods
  tasks     14 at most
  stalled   0ms for memory, 3.0s for CPU, 1.2s for disk

  cd /home/dev/proofs
  rlimit run coq-standard -- make -j4 $'ümlaut "quoted"\\x0a'`);
  });

  it('tells of its jobs, also where there was one alone', () => {
    const jobFigures = {
      seen: 12,
      memory: { median: 310 * 1024 ** 2, p90: 400 * 1024 ** 2, max: 500 * 1024 ** 2 },
      histogram: [],
      concurrency: { most: 6, mean: 4.5 },
      names: { cc1plus: 12 },
    };
    expect(one(outcome({ jobFigures }))).toContain(
      '  jobs      12 seen, 6 at most, median 310M, 90% under 400M, most 500M (cc1plus)\n',
    );
    expect(one(outcome({ jobFigures: { ...jobFigures, seen: 1, names: {} } }))).toContain(
      '  jobs      1 seen, 500M\n',
    );
  });

  it('that was killed is explained', () => {
    const text = one(killed({ commandBytes: 9000, limits: {} }));
    expect(text.split('\n').slice(0, 4)).toEqual([
      'rlimit-coq-standard-mdx3k2j1abc.scope  memory-max',
      '  killed at its own MemoryMax=1G: cc1plus, 812M',
      '    memory.events: oom_kill 1',
      '  next: -p MemoryMax=2G, or -j2',
    ]);
    expect(text).toContain('ended     SIGKILL');
    expect(text).toContain('memory    1.0G at most, 1 killed for lack of it');
    expect(text).toContain('limits    none');
    expect(text).toContain('9000 bytes');
  });

  it('cannot move the cursor', () => {
    const evil = '\u001b]0;x\u0007\r';
    const text = one(
      killed({
        ...{ unit: evil, profile: evil, cwd: evil, command: [evil], signal: evil },
        ...{ limits: { A: evil }, launcher: evil as 'user' },
        verdict: { id: evil as 'failed', says: evil, evidence: [evil], advice: evil },
      }),
    );
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });
});

describe('totals', () => {
  const render = (...outcomes: (typeof OUTCOME)[]) => {
    const runs = nameRuns(outcomes);
    return renderTotals(totalsByProfile(runs), totalsOf(runs));
  };

  it('are a line a profile, and one for all', () => {
    expect(
      render(OUTCOME, killed(), outcome({ profile: 'default', figures: {} })),
    ).toBe(`PROFILE       RUNS  FINISHED  FAILED  OOM  STOPPED  PEAK  MEDIAN     CPU
coq-standard     2         1       0    1        0  4.2G  12m34s  35m11s
default          1         1       0    0        0     -  12m34s       -
all              3         2       0    1        0  4.2G  12m34s  35m11s`);
    expect(render()).toMatch(/^No run/);
    expect(render(OUTCOME)).not.toMatch(/^all/m);
  });

  it('fit 80 columns', () => {
    const text = render(outcome({ profile: 'x'.repeat(63) }));
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});

it('lines that were passed over are counted by file', () => {
  const skipped = Array.from({ length: 7 }, (_, n) => ({ file: '/h', line: n + 1, why: 'torn' }));
  expect(renderSkipped([...skipped, { file: '/h.1', line: 3, why: 'torn' }])).toEqual([
    '/h: 7 lines passed over (line 1: torn; line 2: torn; line 3: torn; line 4: torn; line 5: torn; and 2 more)',
    '/h.1: 1 line passed over (line 3: torn)',
  ]);
});

describe('figures', () => {
  it.each([
    [0, '0ms'],
    [1_234_000, '1.2s'],
    [59_000_000, '59s'],
    [754_000_000, '12m34s'],
    [3_603_000_000, '1h'],
    [3_780_000_000, '1h03m'],
    [90_061_000_000, '1d01h'],
  ])('%i µs is %s', (usec, text) => {
    expect(shortTime(usec)).toBe(text);
  });

  it('of time are local', () => {
    expect(localTime(NOW)).toBe('2026-11-20 15:00:00');
    expect(shortMoment(NOW - 3_600_000, NOW)).toBe('14:00');
  });
});
