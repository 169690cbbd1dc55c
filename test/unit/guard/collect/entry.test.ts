import { describe, expect, it } from 'vitest';
import { jsonLine } from '../../../../src/guard/collect/index.js';

describe('a line of JSON', () => {
  const hostile = 'a\nb\u001b[2J\u009b\u202e\u{e0001}\u2028 "x" \\ ü 🙂';

  it('is one line, tells the same, and has nothing a terminal would obey', () => {
    const line = jsonLine({ pid: 5, name: hostile, [hostile]: 1, none: undefined });
    expect(line).toMatch(/^[^\p{Cc}\p{Cf}\u2028]*\n$/u);
    expect(JSON.parse(line)).toEqual({ pid: 5, name: hostile, [hostile]: 1 });
    expect(line).toContain('ü 🙂');
  });
});
