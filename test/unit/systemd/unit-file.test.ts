import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseUnitFile, splitPaths } from '../../../src/systemd/unit-file.js';

const read = (text: string) =>
  parseUnitFile(text).map(
    ({ section, name, value, line }) => `${line} [${section}] ${name}=${value}`,
  );

describe('parseUnitFile', () => {
  it('gives assignments with their sections and lines', () => {
    expect(
      read('# ours\n\n[Unit]\nDescription=a = b\n[Service]\n  MemoryMax = 8G \r\n;x\nTasksMax=\n'),
    ).toEqual(['4 [Unit] Description=a = b', '6 [Service] MemoryMax=8G', '8 [Service] TasksMax=']);
  });

  it('joins continued lines, passes over comments between them, and names the first', () => {
    expect(read('[Service]\nExecStart=a \\\n# no\n  b \\\n  c\nX=1')).toEqual([
      '2 [Service] ExecStart=a    b    c',
      '6 [Service] X=1',
    ]);
    expect(read('[S]\nA=x\\\\\nB=2')).toEqual(['2 [S] A=x\\\\', '3 [S] B=2']);
    expect(read('[S]\nA=x\\')).toEqual(['2 [S] A=x']);
  });

  it('passes over what is no assignment, and stops at a broken section', () => {
    expect(read('[S]\nnothing\n=1\nA=1\n[S\nB=2')).toEqual(['4 [S] A=1']);
    expect(read('A=1')).toEqual(['1 [] A=1']);
    expect(read('\uFEFF[S]\nA=1')).toEqual(['2 [S] A=1']);
  });

  it('reads any text without failing, and gives lines that are there', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^[[\]A-Za-z=\\\n#; \r\t0-9]{0,80}$/));
    fc.assert(
      fc.property(text, (content) => {
        const lines = content.split(/\r\n|[\n\r\0]/);
        for (const { name, value, line } of parseUnitFile(content)) {
          // It may begin in a line that continues an empty one.
          expect(lines.slice(line - 1).join('\n')).toContain(name.slice(0, 1));
          expect(name).not.toContain('=');
          expect(content.includes(value) || content.includes('\\')).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('finds again what was written, wherever it stands', () => {
    const value = fc.stringMatching(/^[A-Za-z0-9%/ .]{0,20}$/).map((text) => text.trim());
    fc.assert(
      fc.property(fc.array(value), fc.nat(5), (values, gap) => {
        const text = `[Slice]\n${values.map((one) => `${'\n'.repeat(gap)}MemoryMax=${one}\n`).join('')}`;
        const found = parseUnitFile(text);
        expect(found.map((one) => one.value)).toEqual(values);
        expect(found.map(({ line }) => line)).toEqual(
          values.map((_, index) => 2 + gap + index * (gap + 1)),
        );
      }),
    );
  });
});

describe('splitPaths', () => {
  it('reads lists as systemctl prints them', () => {
    expect(splitPaths('/a/b.conf "/a b/c.conf" /d\n')).toEqual(['/a/b.conf', '/a b/c.conf', '/d']);
    expect(splitPaths('"/a\\\\x2d/c\\"d.conf"')).toEqual(['/a\\x2d/c"d.conf']);
    expect(splitPaths('')).toEqual([]);
  });

  it('finds again any paths, and fails on no text', () => {
    const quote = (path: string) => `"${path.replace(/[\\"$`]/g, '\\$&')}"`;
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 })), (paths) => {
        expect(splitPaths(paths.map(quote).join(' '))).toEqual(paths);
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => splitPaths(text).length <= text.length));
  });
});
