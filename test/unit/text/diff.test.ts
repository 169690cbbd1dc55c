import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unifiedDiff } from '../../../src/text/index.js';

const names = { from: 'a', to: 'b' };

describe('the difference of two texts', () => {
  it('is nothing for the same', () => {
    expect(unifiedDiff('x\n', 'x\n', names)).toBe('');
  });

  it('shows three lines around each change', () => {
    const lines = Array.from({ length: 20 }, (_, index) => `line ${index + 1}`);
    const after = lines.with(4, 'five').toSpliced(17, 0, 'more');
    expect(unifiedDiff(`${lines.join('\n')}\n`, `${after.join('\n')}\n`, names)).toBe(`--- a
+++ b
@@ -2,7 +2,7 @@
 line 2
 line 3
 line 4
-line 5
+five
 line 6
 line 7
 line 8
@@ -15,6 +15,7 @@
 line 15
 line 16
 line 17
+more
 line 18
 line 19
 line 20`);
  });

  it('says what is new as a whole, and where a last line has no end', () => {
    expect(unifiedDiff('', 'a\nb', names)).toBe(
      '--- a\n+++ b\n@@ -0,0 +1,2 @@\n+a\n+b\n\\ No newline at end of file',
    );
  });

  it('does not choke on large texts', () => {
    const many = (word: string) =>
      `${Array.from({ length: 3000 }, (_, i) => word + i).join('\n')}\n`;
    expect(unifiedDiff(many('a'), many('b'), names).split('\n')).toHaveLength(6003);
  });

  const isThere = spawnSync('patch', ['--version']).status === 0;
  it('makes the one of the other, as patch reads it', ({ skip }) => {
    skip(!isThere, 'needs patch');
    const folder = mkdtempSync(join(tmpdir(), 'rlimit-diff-'));
    const text = fc
      .array(fc.constantFrom('a', 'b', 'c', 'd: 1', ''), { maxLength: 20 })
      .map((lines) => lines.map((line) => `${line}\n`).join(''));
    try {
      fc.assert(
        fc.property(text, text, (before, after) => {
          const [file, result] = [join(folder, 'a'), join(folder, 'b')];
          writeFileSync(file, before);
          const diff = unifiedDiff(before, after, names);
          if (diff === '' || before === '' || after === '') return;
          const { status } = spawnSync('patch', ['-s', '-o', result, file], { input: `${diff}\n` });
          expect(status).toBe(0);
          expect(readFileSync(result, 'utf8')).toBe(after);
        }),
        { numRuns: 20 },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
