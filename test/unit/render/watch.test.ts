import { describe, expect, it } from 'vitest';
import {
  cutLine,
  renderFrame,
  renderLines,
  renderNotes,
  renderStallReport,
} from '../../../src/render/watch.js';
import type { Look, UnitLook } from '../../../src/watch/index.js';

const MiB = 1024 ** 2;
// Local time, so that the tests do not depend on the zone.
const time = new Date(2026, 0, 2, 13, 4, 5).toISOString();

const unit = (more: Partial<UnitLook> = {}): UnitLook => ({
  unit: 'rlimit-coq-standard-k3x9q2.scope',
  kind: 'scope',
  manager: 'user',
  profile: 'coq-standard',
  cgroup: '/a',
  seconds: 2,
  memory: { current: 1234 * MiB, anon: 1000 * MiB, high: 'infinity', max: 150 * 1024 * MiB },
  swap: { current: 0, max: 0 },
  cpu: { cores: 3.621, max: 27, throttled: 0.12 },
  pressure: {
    memory: { some: 1.25, full: 0.5 },
    cpu: { some: 12.34, full: 0 },
    io: { some: 0, full: 0 },
  },
  tasks: { current: 23, max: 300 },
  processes: [
    { pid: 1234, startTicks: 1, comm: 'coqc', memory: 812 * MiB, cores: 0.998 },
    { pid: 99, startTicks: 2, comm: 'make', memory: 3 * MiB },
  ],
  findings: [],
  ...more,
});

const look = (...units: UnitLook[]): Look => ({ time, units, ended: [], breaks: [] });

const STALL = {
  id: 'livelock',
  severity: 'problem',
  unit: 'rlimit-a-1.scope',
  property: 'MemoryHigh',
  wanted: '40M',
  cause: 'the unit is stalled, all of its processes waiting for memory 83% of the time: and so on',
  remedy: 'rlimit inspect --break-stall rlimit-a-1.scope; or by hand: something longer than a line',
} as const;

const HOSTILE = '\u001b[2J\n\u202ex';

describe('a frame', () => {
  it('at 80 × 24', () => {
    const frame = renderFrame(
      look(
        unit(),
        unit({ unit: 'rlimit-a-1.scope', processes: [], findings: [STALL], profile: 'default' }),
      ),
      { columns: 80, rows: 24 },
      ['13:04:03 rlimit-b-1.scope has ended (failed, oom-kill)'],
    );
    expect(frame.join('\n')).toMatchSnapshot();
  });

  it('on a narrow terminal', () => {
    expect(renderFrame(look(unit()), { columns: 32, rows: 9 }).join('\n')).toMatchSnapshot();
  });

  it('of a unit of which little is known', () => {
    const bare = unit({
      memory: {},
      swap: {},
      cpu: {},
      pressure: {},
      tasks: {},
      processes: [],
    });
    const between = unit({ unit: 'a.service', processes: [] });
    delete between.cgroup;
    delete bare.profile;
    const frame = renderFrame(look(bare, between), { columns: 80, rows: 24 });
    expect(frame.join('\n')).toMatchSnapshot();
  });

  it('never has more lines or columns than there are', () => {
    const many = Array.from({ length: 9 }, (_, n) =>
      unit({
        unit: `rlimit-u${n}.scope`,
        findings: n === 7 ? [STALL] : [],
        processes: Array.from({ length: 5 }, (__, p) => ({
          pid: p + 1,
          startTicks: p,
          comm: '漢字漢字漢',
        })),
      }),
    );
    for (const rows of [2, 3, 5, 10, 24, 40, 60, 100]) {
      for (const columns of [12, 40, 80, 200]) {
        const frame = renderFrame(look(...many), { columns, rows }, ['a', 'b', 'c', 'd']);
        expect(frame.length).toBeLessThan(rows);
        for (const line of frame) expect(columnsOf(line)).toBeLessThan(columns);
      }
    }
    // Fewer processes of each before fewer units, and stalled units before others.
    expect(renderFrame(look(...many), { columns: 80, rows: 60 }).join('\n')).toContain('u8.scope');
    const small = renderFrame(look(...many), { columns: 80, rows: 16 }).join('\n');
    expect(small).toContain('rlimit-u7.scope');
    expect(small).toMatch(/and \d more/);
  });

  it('is one line where nothing runs', () => {
    expect(renderFrame(look(), { columns: 80, rows: 24 })).toEqual([
      '13:04:05  No units of rlimit are running.',
    ]);
  });

  it('shows hostile process names harmlessly', () => {
    const processes = [{ pid: 1, startTicks: 1, comm: HOSTILE }];
    const frame = renderFrame(look(unit({ processes })), { columns: 80, rows: 24 }).join('\n');
    expect(frame).toContain('\\x1b[2J\\x0a\\u{202e}x');
    expect(frame).not.toContain('\u001b[2J');
    const [line] = renderLines(look(unit({ processes })));
    expect(line).toMatch(/largest - \\x1b\[2J\\x0a\\u\{202e\}x$/);
  });
});

describe('lines', () => {
  it('one a unit, aligned, with its time', () => {
    const small = unit({
      unit: 'rlimit-a.scope',
      memory: { current: 3, max: 'infinity' },
      cpu: {},
      processes: [],
      pressure: {},
    });
    const lines = renderLines(look(unit(), small), { nameWidth: 32 });
    expect(lines.join('\n')).toMatchSnapshot();
    const [first = '', second = ''] = lines;
    for (const word of ['memory', 'anon', 'swap', 'cpu', 'throttled', 'waiting', 'tasks']) {
      expect(second.indexOf(word)).toBe(first.indexOf(word));
    }
  });

  it('tell a stall once, and mark each line of it', () => {
    const stalled = unit({ unit: 'rlimit-a-1.scope', findings: [STALL], processes: [] });
    const lines = renderLines(look(stalled));
    expect(lines).toEqual([
      expect.stringMatching(/ stalled$/),
      `13:04:05 rlimit-a-1.scope: problem: ${STALL.cause}`,
      `13:04:05 rlimit-a-1.scope: mend: ${STALL.remedy}`,
    ]);
    expect(renderLines(look(stalled), { stalled: new Set(['rlimit-a-1.scope']) })).toHaveLength(1);
  });
});

it('what happened is told in a line each', () => {
  const happened: Look = {
    ...look(),
    ended: [
      { unit: 'a.scope', state: 'gone' },
      { unit: 'b.scope', state: 'failed', result: 'oom-kill' },
    ],
    breaks: [
      { unit: 'a.scope', how: 'raise', done: true, upTo: 200 * MiB },
      { unit: 'b.scope', how: 'raise', done: false, why: 'Access denied' },
      {
        unit: 'c.scope',
        how: 'kill',
        done: true,
        process: { pid: 7, startTicks: 1, comm: HOSTILE, memory: 43 * MiB },
      },
      { unit: 'd.scope', how: 'kill', done: false, why: 'it has no process that may be killed' },
    ],
  };
  expect(renderNotes(happened).join('\n')).toMatchSnapshot();
});

it('the report of inspect --break-stall', () => {
  expect(renderStallReport({ units: [] })).toBe('No units of rlimit are running.');
  expect(
    renderStallReport({
      units: [
        { unit: 'a.scope', stalled: false },
        {
          unit: 'rlimit-a-1.scope',
          stalled: true,
          finding: STALL,
          broken: { unit: 'rlimit-a-1.scope', how: 'raise', done: true, upTo: 200 * MiB },
        },
      ],
    }),
  ).toMatchSnapshot();
});

it('cutLine keeps colours whole, and counts wide characters twice', () => {
  expect(cutLine('\u001b[31mabcdef\u001b[39m', 3)).toBe('\u001b[31mabc\u001b[39m');
  expect(cutLine('漢字x', 3)).toBe('漢');
  expect(cutLine('“a”…', 4)).toBe('“a”…');
  expect(cutLine('abc', 3)).toBe('abc');
});

function columnsOf(line: string): number {
  return [...line].reduce((sum, character) => sum + (character > '\u3000' ? 2 : 1), 0);
}
