import { describe, expect, it } from 'vitest';
import { csvRecord } from '../../../../src/guard/collect/csv.js';

/** Reads one record as RFC 4180 has it: an independent judge. */
function readRecord(line: string): string[] {
  expect(line.endsWith('\r\n')).toBe(true);
  const fields = line.slice(0, -2).match(/(?:^|,)(?:"(?:[^"]|"")*"|[^",]*)/g) ?? [];
  expect(fields.join('')).toBe(line.slice(0, -2));
  return fields.map((field, at) => {
    const bare = at === 0 ? field : field.slice(1);
    return bare.startsWith('"') ? bare.slice(1, -1).replaceAll('""', '"') : bare;
  });
}

describe('a record', () => {
  it('has figures, text, and nothing where nothing is known', () => {
    expect(csvRecord([1.5, 'coqc', undefined, -3, Number.NaN])).toBe('1.5,coqc,,-3,\r\n');
  });

  it.each([
    ['a,b', 'a,b'],
    ['say "hi"', 'say "hi"'],
    ['a\nb\r\nc', 'a\\x0ab\\x0d\\x0ac'],
    ['\u001b[31mred\u0007', '\\x1b[31mred\\x07'],
    ['\u202eexe.txt', '\\u{202e}exe.txt'],
    ['C:\\x0a', 'C:\\\\x0a'],
    ['\u0000', '\\x00'],
    ['tmux: server', 'tmux: server'],
  ])('of %j is one line, and reads back as %j', (name, read) => {
    const line = csvRecord([1, name, 2]);
    expect(line.slice(0, -2)).not.toMatch(/[\r\n]/);
    expect(readRecord(line)).toEqual(['1', read, '2']);
  });

  it.each(['=cmd|x', '+1', '-1', '@SUM(A1)', ' =1', '=1","=2'])(
    'of %j is no formula to a spreadsheet',
    (name) => {
      const [read] = readRecord(csvRecord([name]));
      expect(read).toBe(`'${name}`);
    },
  );
});
