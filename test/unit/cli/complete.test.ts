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
  { id: 'profile:check', flags: { explain: { name: 'explain', type: 'option' } }, args: {} },
  {
    id: 'history',
    flags: {
      profile: { name: 'profile', type: 'option' },
      verdict: { name: 'verdict', type: 'option', options: ['failed', 'finished'] },
      cwd: { name: 'cwd', type: 'option' },
    },
    args: { run: { name: 'run' } },
  },
  { id: 'budget', flags: { json: { name: 'json', type: 'boolean' } }, args: {} },
  { id: 'budget:set', flags: { force: { name: 'force', type: 'boolean' } }, args: {} },
  { id: 'kill', flags: {}, args: { unit: { name: 'unit' } } },
  {
    id: 'tune',
    flags: { run: { name: 'run', type: 'option' } },
    args: { 'profile|unit': { name: 'profile|unit' } },
  },
  { id: 'completion', flags: {}, args: { shell: { name: 'shell', options: ['bash', 'zsh'] } } },
];
const names = {
  profiles: async () => ['coq-standard', 'coq-single', 'default'],
  units: async () => ['rlimit-x-1.scope'],
  runs: async () => ['3k2j1x', '9z8y7w'],
  troubles: async () => ['kernel-differs', 'livelock', 'sum-of-caps'],
};

describe('completeWords', () => {
  it.each([
    [[''], ['budget', 'completion', 'help', 'history', 'kill', 'profile', 'run', 'tune']],
    [['r'], ['run']],
    [
      ['profile', ''],
      ['check', 'list', 'show'],
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
    [
      ['history', '--profile', 'coq'],
      ['coq-single', 'coq-standard'],
    ],
    [
      ['history', '--verdict', 'f'],
      ['failed', 'finished'],
    ],
    [['history', '--cwd', ''], []],
    [['profile', 'check', '--explain', 's'], ['sum-of-caps']],
    [['history', '9'], ['9z8y7w']],
    [['kill', ''], ['rlimit-x-1.scope']],
    [
      ['tune', 'default', '--run', ''],
      ['3k2j1x', '9z8y7w'],
    ],
    [
      ['tune', ''],
      ['coq-single', 'coq-standard', 'default', 'rlimit-x-1.scope'],
    ],
    [['completion', 'z'], ['zsh']],
    [['budget', ''], ['set']],
    [['budget', '--'], ['--json']],
    [['budget', 'set', '--'], ['--force']],
    [['nothing', ''], []],
  ])('%j → %j', async (words, expected) => {
    expect(await completeWords(words, commands, names)).toEqual(expected);
  });
});
