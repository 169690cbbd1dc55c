import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearest, printable, shellLine, shellQuote } from '../../../src/text/index.js';

describe('shellQuote', () => {
  it('gives every word back byte for byte from a real shell', () => {
    const word = fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', ''));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
        // Lone surrogates are no text that a command line could hold.
        const clean = words.map((text) => Buffer.from(text).toString());
        const script = `printf '%s\\0' ${shellLine(clean)}`;
        const output = execFileSync('sh', ['-c', script]).toString();
        expect(output.split('\0').slice(0, -1)).toEqual(clean);
      }),
      { numRuns: 60 },
    );
  });

  it('leaves plain words bare', () => {
    expect(shellLine(['make', '-j4', 'a=b', './x', ''])).toBe("make -j4 a=b ./x ''");
    expect(shellQuote("it's")).toBe("'it'\\''s'");
  });
});

describe('printable', () => {
  it('shows what could move the cursor or turn text around', () => {
    expect(printable('a\u001b[31m\nb\u202ec\u009b')).toBe('a\\x1b[31m\\x0ab\\u{202e}c\\x9b');
  });

  it('leaves letters of all scripts alone', () => {
    expect(printable('über 証明 ok')).toBe('über 証明 ok');
  });
});

describe('nearest', () => {
  it.each([
    ['coq-standrd', ['coq-standard']],
    ['memorymax', ['MemoryMax']],
    ['coq', ['coq-single', 'coq-standard']],
    ['zzz', []],
  ])('%s → %j', (wrong, expected) => {
    const known = ['coq-standard', 'coq-single', 'MemoryMax', 'TasksMax'];
    expect(nearest(wrong, known).sort()).toEqual(expected);
  });
});
