import { describe, expect, it } from 'vitest';
import { type CompletionCommand, completeWords } from '../../../src/cli/complete.js';

const commands: CompletionCommand[] = [
  {
    id: 'run',
    flags: {
      log: { name: 'log', type: 'option' },
      quiet: { name: 'quiet', char: 'q', type: 'boolean' },
    },
    args: { profile: { name: 'profile' } },
  },
  { id: 'profile:show', flags: {}, args: { profile: { name: 'profile' } } },
  { id: 'profile:list', flags: {}, args: {} },
  { id: 'kill', flags: {}, args: { unit: { name: 'unit' } } },
  { id: 'completion', flags: {}, args: { shell: { name: 'shell', options: ['bash', 'zsh'] } } },
];
const names = {
  profiles: async () => ['coq-standard', 'coq-single', 'default'],
  units: async () => ['rlimit-x-1.scope'],
};

describe('completeWords', () => {
  it.each([
    [[''], ['completion', 'help', 'kill', 'profile', 'run']],
    [['r'], ['run']],
    [
      ['profile', ''],
      ['list', 'show'],
    ],
    [
      ['profile', 'show', 'coq-s'],
      ['coq-single', 'coq-standard'],
    ],
    [['run', 'd'], ['default']],
    [
      ['run', '-q', ''],
      ['coq-single', 'coq-standard', 'default'],
    ],
    [
      ['run', '--'],
      ['--log', '--quiet'],
    ],
    [['run', '--log', ''], []],
    [['run', '--log', 'f', 'd'], ['default']],
    [['run', 'default', '--', ''], []],
    [['run', 'default', ''], []],
    [['kill', ''], ['rlimit-x-1.scope']],
    [['completion', 'z'], ['zsh']],
    [['nothing', ''], []],
  ])('%j → %j', async (words, expected) => {
    expect(await completeWords(words, commands, names)).toEqual(expected);
  });
});
