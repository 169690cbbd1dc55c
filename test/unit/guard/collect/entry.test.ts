import { describe, expect, it } from 'vitest';
import { type LogEntry, logLine } from '../../../../src/guard/collect/entry.js';

const hostile = 'a\nb\u001b[2J\u009b\u202e\u{e0001} "x"';
const entry: LogEntry = {
  time: Date.UTC(2026, 10, 21, 23, 0, 0),
  level: 'CRITICAL',
  event: 'allocation',
  message: `${hostile} took 120 MB`,
  fields: { pid: 5, name: hostile, source: 'ebpf', uid: undefined },
};

describe('a line of the log', () => {
  it('as JSON is one line, tells the same, and has nothing a terminal would obey', () => {
    const line = logLine(entry, { json: true });
    expect(line).toMatch(/^[^\p{Cc}\p{Cf}]*\n$/u);
    expect(JSON.parse(line)).toEqual({
      time: '2026-11-21T23:00:00.000Z',
      level: 'CRITICAL',
      event: 'allocation',
      message: `${hostile} took 120 MB`,
      pid: 5,
      name: hostile,
      source: 'ebpf',
    });
  });

  it('keeps its own keys, whatever the fields are called', () => {
    const line = logLine({ ...entry, fields: { level: 'INFO', time: 0 } }, { json: true });
    expect(JSON.parse(line)).toMatchObject({ level: 'CRITICAL', time: '2026-11-21T23:00:00.000Z' });
  });

  it('plain is one line as well', () => {
    const fields = { pid: 5, name: 'a b="c"', empty: '', no: undefined };
    expect(logLine({ ...entry, message: 'x\ny', fields }, { json: false })).toBe(
      '2026-11-21T23:00:00.000Z CRITICAL allocation: x\\x0ay pid=5 name="a b=\\"c\\"" empty=""\n',
    );
  });

  it('of a clock that makes no sense is a line all the same', () => {
    const line = logLine({ ...entry, time: Number.NaN }, { json: true });
    expect(JSON.parse(line)).toMatchObject({ time: 'NaN' });
  });
});
