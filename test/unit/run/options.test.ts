import { describe, expect, it } from 'vitest';
import { parseAssignments, parseRunArguments } from '../../../src/run/options.js';

describe('parseRunArguments', () => {
  it.each([
    [['coq-standard', '--', 'make', '-j4'], 'coq-standard', ['make', '-j4']],
    [['coq-standard', 'make', '-j4'], 'coq-standard', ['make', '-j4']],
    [['--', 'make'], 'default', ['make']],
    [['-q', 'coq-single', 'make', '--quiet'], 'coq-single', ['make', '--quiet']],
    [['p', '--', 'a', '--', 'b'], 'p', ['a', '--', 'b']],
    [['p', '--', '--help'], 'p', ['--help']],
    [['p', '--', ''], 'p', ['']],
  ])('%j: profile %s, command %j', (argv, profile, command) => {
    expect(parseRunArguments(argv)).toMatchObject({ profile, command, help: false });
  });

  it('takes options before and after the profile, attached and apart', () => {
    const options = parseRunArguments([
      '-pMemoryMax=2G',
      'p',
      '--property=TasksMax=5',
      '-p',
      'CPUQuota=',
      '--nice',
      '-5',
      '-nq',
      '-j3',
      '--',
      'x',
    ]);
    expect(options).toMatchObject({
      properties: { MemoryMax: '2G', TasksMax: '5', CPUQuota: '' },
      nice: -5,
      jobs: 3,
      dryRun: true,
      quiet: true,
      strict: false,
    });
  });

  it.each([
    [['p'], 'there is no command to run'],
    [[], 'there is no command to run'],
    [['p', '--'], 'there is no command to run'],
    [['p', '--dryrun', '--', 'x'], 'there is no option "--dryrun"'],
    [['p', '-x', '--', 'x'], 'there is no option "-x"'],
    [['p', '--quiet=1', '--', 'x'], '--quiet takes no value'],
    [['p', '--log'], '--log needs a value: --log FILE'],
    [['p', '--nice', '20', '--', 'x'], '--nice "20" is not a whole number from -20 to 19'],
    [['p', '-j0', '--', 'x'], '--jobs "0" is not a whole number from 1 to 100000'],
    [['p', '-p', 'MemoryMax', '--', 'x'], '-p "MemoryMax" is not NAME=VALUE'],
  ])('%j: %s', (argv, message) => {
    expect(() => parseRunArguments(argv)).toThrow(message);
  });

  it('names the option that was meant', () => {
    expect(() => parseRunArguments(['p', '--dryrun', '--', 'x'])).toThrow(
      expect.objectContaining({ suggestions: ['--dry-run'], exitCode: 2 }),
    );
  });

  it('asks for no command when help is wanted', () => {
    expect(parseRunArguments(['--help']).help).toBe(true);
    expect(parseRunArguments(['-h']).help).toBe(true);
  });
});

describe('parseAssignments', () => {
  it('keeps everything behind the first equals sign', () => {
    expect(parseAssignments(['IOReadBandwidthMax=/dev/sda=1\n 5M'])).toEqual({
      IOReadBandwidthMax: '/dev/sda=1\n 5M',
    });
  });
});
