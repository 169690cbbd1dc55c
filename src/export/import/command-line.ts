/** A systemd-run line, as somebody pasted it. Pure. */
import { basename } from 'node:path';
import { UsageError } from '../../errors/index.js';
import { environmentOf, limitsOf, type Setting } from './settings.js';
import type { Found, NotCarried } from './types.js';

/** Options that take a value (systemd-run(1), 252 to 262); their letters. */
const WITH_VALUE: Readonly<Record<string, string>> = {
  ...{ property: 'p', unit: 'u', setenv: 'E', host: 'H', machine: 'M', 'working-directory': '' },
  ...{ description: '', slice: '', 'service-type': '', uid: '', gid: '', nice: '', 'job-mode': '' },
  ...{ 'on-active': '', 'on-boot': '', 'on-startup': '', 'on-unit-active': '', background: '' },
  ...{ 'on-unit-inactive': '', 'on-calendar': '', 'path-property': '', 'socket-property': '' },
  ...{ 'timer-property': '', 'expand-environment': '', 'root-directory': '', json: '' },
  ...{ capsule: 'C', area: '' },
};

/** What is worth saying of options that a profile does not hold. */
const REASONS: readonly [options: RegExp, why: string][] = [
  [/^--(uid|gid)$/, 'a run has the user that starts it'],
  [/^--(host|machine|capsule)$/, 'it is another machine'],
  [/^--slice/, 'rlimit run --slice has a slice for one run'],
  [/^--unit$/, 'rlimit run --unit has a name for one run'],
  [/^--nice$/, 'rlimit run --nice has it for one run'],
  [/^--description$/, 'rlimit run --description has it for one run'],
  [/^--(on-|timer|path-|socket-)/, 'a profile starts nothing by itself'],
  [/^--working-directory$/, 'a run is where it was started'],
];

const LETTERS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.entries(WITH_VALUE).flatMap(([name, letter]) => (letter === '' ? [] : [[letter, name]])),
  ),
  ...{ t: 'pty', T: 'pty-late', P: 'pipe', q: 'quiet', G: 'collect', r: 'remain-after-exit' },
  ...{ d: 'same-dir', S: 'shell', v: 'verbose' },
};

/** Tells whether words are such a line, perhaps behind `sudo` or variables. */
export function isCommandLine(words: readonly string[]): boolean {
  return startOf(words) >= 0;
}

/**
 * Reads the options up to the command.
 * @throws {UsageError} for an option without its value
 */
export function fromCommandLine(words: readonly string[]): Found {
  const start = startOf(words);
  if (start < 0) throw new UsageError('it is no systemd-run line');
  const { options, command } = split(words.slice(start + 1));
  const settings = limitsOf(options.filter(({ name }) => name === '--property').map(assignment));
  const variables = environmentOf(
    options
      .filter(({ name }) => name === '--setenv')
      .map(({ value }) => {
        const { name, value: text } = assignment({ name: '', value });
        return [name, text] as const;
      }),
  );
  const unit = options.find(({ name }) => name === '--unit')?.value.replace(/\.\w+$/, '');
  const expanded = options.filter(({ value }) => /\$[\w{(]|`/.test(value));
  return {
    source: 'systemd-run',
    name: unit ?? basename(command[0] ?? 'imported'),
    limits: settings.limits,
    environment: variables.environment,
    notCarried: [
      ...words.slice(0, start).map((what) => ({ what, why: 'it stands before systemd-run' })),
      ...settings.notCarried,
      ...variables.notCarried,
      ...options.flatMap(optionNotCarried),
    ],
    notes: [
      ...(command.length === 0 ? [] : ['the command itself is no part of a profile']),
      ...expanded.map(({ name, value }) => `${name} ${value}: nothing is expanded here`),
    ],
  };
}

/** Where systemd-run stands: first, or behind sudo, env and assignments. */
function startOf(words: readonly string[]): number {
  const at = words.findIndex((word) => basename(word) === 'systemd-run');
  const before = words.slice(0, Math.max(at, 0));
  return before.every((word) => /^(?:sudo|env|exec|command|\w+=.*|-\w+)$/s.test(word)) ? at : -1;
}

/** Options that a profile has no say in, and that matter to nobody's limits. */
const SILENT = new Set(
  ['user', 'system', 'scope', 'quiet', 'collect', 'pty', 'pipe', 'wait', 'no-block', 'same-dir']
    .concat(['shell', 'no-ask-password', 'expand-environment', 'verbose', 'pty-late'])
    .map((name) => `--${name}`),
);

function optionNotCarried({ name, value }: Setting): NotCarried[] {
  if (name === '--property' || name === '--setenv' || SILENT.has(name)) return [];
  const why = REASONS.find(([options]) => options.test(name))?.[1] ?? 'it is no limit';
  return [{ what: value === '' ? name : `${name}=${value}`, why }];
}

function assignment({ value }: Setting): Setting {
  const equals = value.indexOf('=');
  if (equals < 0) return { name: value, value: '' };
  return { name: value.slice(0, equals).trim(), value: value.slice(equals + 1) };
}

/** Options end at `--` or at the first word that is none. */
function split(words: readonly string[]): { options: Setting[]; command: readonly string[] } {
  const options: Setting[] = [];
  let at = 0;
  for (; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (word === '--') return { options, command: words.slice(at + 1) };
    if (!word.startsWith('-') || word === '-') break;
    const taken = word.startsWith('--') ? [longOption(word)] : shortOptions(word);
    const last = taken.at(-1);
    if (last !== undefined && last.value === undefined) {
      at += 1;
      last.value = words[at];
      if (last.value === undefined) throw new UsageError(`${word} of systemd-run has no value`);
    }
    options.push(...taken.map(({ name, value = '' }) => ({ name: `--${name}`, value })));
  }
  return { options, command: words.slice(at) };
}

/** `value` is absent where it is the next word. */
interface Option {
  name: string;
  value: string | undefined;
}

function longOption(word: string): Option {
  const equals = word.indexOf('=');
  const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
  if (equals >= 0) return { name, value: word.slice(equals + 1) };

  return { name, value: Object.hasOwn(WITH_VALUE, name) ? undefined : '' };
}

/** `-tq`, `-pMemoryMax=1G`, `-p MemoryMax=1G`. */
function shortOptions(word: string): Option[] {
  const options: Option[] = [];
  for (let at = 1; at < word.length; at += 1) {
    const letter = word[at] ?? '';
    const name = Object.hasOwn(LETTERS, letter) ? (LETTERS[letter] ?? letter) : letter;
    if (Object.hasOwn(WITH_VALUE, name)) {
      options.push({ name, value: word.slice(at + 1) || undefined });
      break;
    }
    options.push({ name, value: '' });
  }
  return options;
}
