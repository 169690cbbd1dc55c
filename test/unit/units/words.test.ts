import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemdWords } from '../../../src/export/import/words.js';
import { parseUnitFile } from '../../../src/systemd/unit-file.js';
import { commandLine, setting, unitText, word } from '../../../src/units/index.js';

/** Any text but NUL, which no argument can have. */
const text = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom(...'$%"\'\\ \t\n\r;#{}'),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
    ),
  })
  .filter((value) => !value.includes('\0'));

describe('words of unit files', () => {
  it.each([
    ['/usr/bin/node', '/usr/bin/node'],
    ['/opt/my node', '"/opt/my node"'],
    ['/a/100%', '/a/100%%'],
    ['/ä/"x"\\y', '"/ä/\\"x\\"\\\\y"'],
    ['a\nb\u0007', '"a\\nb\\x07"'],
    ['', '""'],
    [';', '";"'],
  ])('%j is written %s', (plain, written) => {
    expect(word(plain)).toBe(written);
  });

  it('come back as they were, whatever is in them', () => {
    fc.assert(
      fc.property(fc.array(text), (words) => {
        const [found, ...more] = parseUnitFile(
          unitText([], [['Service', [setting('A', 'x', ...words)]]]),
        );
        expect(more).toEqual([]);
        expect(systemdWords(found?.value ?? '')).toEqual(['x', ...words]);
      }),
    );
  });
});

describe('a command line', () => {
  it('has $ doubled in arguments, and not in the path of the program', () => {
    expect(commandLine(['/opt/$HOME/100%/node', '/x/$HOME', '${A}'])).toBe(
      '/opt/$HOME/100%%/node /x/$$HOME "$${A}"',
    );
  });
});

describe('the text of a unit file', () => {
  it('has its comments and sections, and no line more', () => {
    expect(
      unitText(
        ['one', '# two', 'three\n[Service]\nUser=root'],
        [
          ['Unit', ['A=1', '# b']],
          ['Timer', []],
        ],
      ),
    ).toBe('# one\n# two\n# three [Service] User=root\n\n[Unit]\nA=1\n# b\n\n[Timer]\n');
  });
});
