import { describe, expect, it } from 'vitest';
import { allocationProgram, readTracerLine } from '../../../../src/guard/allocation/program.js';

describe('the program for bpftrace', () => {
  it('has the threshold in bytes', () => {
    expect(allocationProgram(100 * 1024 * 1024)).toContain('> 104857600)');
  });

  it.each([0, -1, 1.5, Number.NaN, 2 ** 60])('is not made with a threshold of %s', (threshold) => {
    expect(() => allocationProgram(threshold)).toThrow(RangeError);
  });
});

describe('a line of bpftrace', () => {
  // As bpftrace 0.23.2 printed them on Linux 6.1, but for the numbers.
  it.each([
    ['{"type": "attached_probes", "data": {"probes": 5}}', { kind: 'attached' }],
    [
      '{"type": "printf", "data": "263 106565632 650\\n"}',
      { kind: 'growth', pid: 263, bytes: 106565632, overMs: 650 },
    ],
    ['{"type": "lost_events", "data": {"events": 7}}', { kind: 'lost', events: 7 }],
    ['{"type": "lost_events"}', { kind: 'lost', events: 1 }],
  ])('is understood: %s', (line, news) => {
    expect(readTracerLine(line)).toEqual(news);
  });

  it.each([
    '',
    'null',
    '[]',
    '{"type": "printf"',
    '{"type": "printf"}',
    '{"type": "printf", "data": 5}',
    '{"type": "printf", "data": "263 106565632"}',
    '{"type": "printf", "data": "0 106565632 1\\n"}',
    '{"type": "printf", "data": "-5 106565632 1\\n"}',
    '{"type": "printf", "data": "5 99999999999999999999 1\\n"}',
    '{"type": "helper_error", "msg": "no", "helper": "map_delete_elem", "retcode": -2}',
    'Attaching 5 probes...',
  ])('that is none of those tells nothing: %s', (line) => {
    expect(readTracerLine(line)).toEqual({ kind: 'other' });
  });
});
