import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromCommandLine, isCommandLine } from '../../../../src/export/import/command-line.js';
import { shellWords } from '../../../../src/export/import/words.js';
import { shellLine } from '../../../../src/text/index.js';

const read = (line: string) => fromCommandLine(shellWords(line));

describe('words of a shell', () => {
  it.each([
    ['a  b\tc', ['a', 'b', 'c']],
    [`'a b' "c \\"d\\" $e" f\\ g`, ['a b', 'c "d" $e', 'f g']],
    [`--x='1 2'"3"4`, ['--x=1 234']],
    ["$'a\\nb\\x41'", ['a\nbA']],
    ['a \\\n  b', ['a', 'b']],
    ["'' x", ['', 'x']],
    ['make -j$(nproc --all) `id` $HOME', ['make', '-j$(nproc --all)', '`id`', '$HOME']],
  ])('%j', (line, words) => {
    expect(shellWords(line)).toEqual(words);
  });

  it('are what the shell’s own quoting made them of', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), (words) => {
        expect(shellWords(shellLine(words))).toEqual(words);
      }),
    );
  });

  it.each(['a; b', 'a && b', 'a | b', 'a > f', 'a\nb', '(a)'])(
    'more than a command: %j',
    (line) => {
      expect(() => shellWords(line)).toThrow('more than a command');
    },
  );

  it.each(["a 'b", 'a "b'])('an open quote: %s', (line) => {
    expect(() => shellWords(line)).toThrow('not closed');
  });
});

describe('a systemd-run line', () => {
  it('properties in all their forms', () => {
    const { limits, notCarried } = read(
      'systemd-run --user --scope -p MemoryMax=8G -pCPUQuota=200% --property=TasksMax=99 ' +
        '--property IOWeight=50 -tqp "IOReadBandwidthMax=/dev/sda 10M" -- make -p MemoryMax=1G',
    );
    expect(limits).toEqual({
      MemoryMax: '8G',
      CPUQuota: '200%',
      TasksMax: '99',
      IOWeight: '50',
      IOReadBandwidthMax: '/dev/sda 10M',
    });
    expect(notCarried).toEqual([]);
  });

  it('the command begins at the first word that is no option', () => {
    const { limits, name } = read(
      'systemd-run --user -u x --slice s -p MemoryMax=8G sh -p CPUQuota=1%',
    );
    expect(limits).toEqual({ MemoryMax: '8G' });
    expect(name).toBe('x');
    expect(read('systemd-run -p MemoryMax=8G /usr/bin/make').name).toBe('make');
  });

  it('says what is not carried', () => {
    const { notCarried, environment } = read(
      'sudo systemd-run --uid=1000 --slice x.slice --nice=5 -p Nice=5 -p LimitNOFILE=9 -p Foo=1 ' +
        '-p TasksMax=50% -E GOMAXPROCS=4 -E TOKEN=secret --on-active=5min -- make',
    );
    expect(environment).toEqual({ GOMAXPROCS: '4' });
    expect(notCarried.map(({ what }) => what)).toEqual([
      'sudo',
      'Nice',
      'LimitNOFILE',
      'Foo',
      'TasksMax=50%',
      'the variable TOKEN',
      '--uid=1000',
      '--slice=x.slice',
      '--nice=5',
      '--on-active=5min',
    ]);
    expect(JSON.stringify(notCarried)).not.toContain('secret');
  });

  it('an empty value takes back, the last one wins', () => {
    const line = 'systemd-run -p MemoryMax=1G -p MemoryMax=2G -p CPUQuota=9% -p CPUQuota= x';
    expect(read(line).limits).toEqual({ MemoryMax: '2G' });
  });

  it('an option without its value', () => {
    expect(() => read('systemd-run --user -p')).toThrow('has no value');
  });

  it.each([
    ['systemd-run x', true],
    ['/usr/bin/systemd-run x', true],
    ['A=1 sudo -n systemd-run x', true],
    ['make systemd-run', false],
    ['make', false],
  ])('%s: %s', (line, expected) => {
    expect(isCommandLine(shellWords(line))).toBe(expected);
  });
});
