import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  nearest,
  pastableLine,
  printable,
  shellLine,
  shellQuote,
} from '../../../src/text/index.js';

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

describe('pastableLine', () => {
  it('can be shown, and gives every word back from bash', () => {
    const word = fc
      .oneof(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: fc.constantFrom(..."\n'\\1a\u001b\u0085\u202e") }),
      )
      .map((text) => Buffer.from(text.replaceAll('\0', '')).toString());
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
        const line = pastableLine(words);
        expect(printable(line)).toBe(line);
        const env = { ...process.env, LC_ALL: 'C.UTF-8' };
        const output = execFileSync('bash', ['-c', `printf '%s\\0' ${line}`], { env }).toString();
        expect(output.split('\0').slice(0, -1)).toEqual(words);
      }),
      { numRuns: 60 },
    );
  });

  it('is as shellLine where all can be printed', () => {
    const words = ['make', 'a b', "it's", 'ü'];
    expect(pastableLine(words)).toBe(shellLine(words));
    expect(pastableLine(['a\nb1'])).toBe("$'a\\x0ab1'");
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
