/** A function for bash and zsh, or for fish. */
import { aboutProfile, header } from '../comment.js';
import { COMMAND_NAME, nameFor, refuseOneForMany } from '../names.js';
import type { Cannot, Format, Subject, Target } from '../types.js';
import { ASK_EXPAND, scopeLine } from './scope-line.js';
import { continued, shellWord } from './words.js';

export const shell: Format = {
  summary: 'a function for bash, zsh or fish (--shell)',
  many: true,
  uses: ['name', 'shell'],
  write: (subjects, target) => {
    refuseOneForMany(subjects, target, ['name']);
    const parts = subjects.map((subject) => shellFunction(subject, target));
    const [{ name } = { name: 'with-limits' }] = parts;
    const text = [
      ...header(`shell --shell ${target.shell}`, subjects, target.machine, [
        `In ${STARTUP[target.shell]}: source THIS-FILE, and then: ${name} make`,
      ]),
      ...parts.flatMap(({ lines }) => ['', ...lines]),
    ];
    return { text: `${text.join('\n')}\n`, cannot: parts.flatMap(({ cannot }) => cannot) };
  },
};

const STARTUP = {
  bash: '~/.bashrc',
  zsh: '~/.zshrc',
  fish: '~/.config/fish/config.fish',
} as const;

function shellFunction(
  subject: Subject,
  target: Target,
): { name: string; lines: string[]; cannot: Cannot[] } {
  const name = nameFor(subject, target, COMMAND_NAME);
  const { start, options, notes, cannot } = scopeLine(subject, target);
  const about = aboutProfile(subject, { notes, cannot });
  const lines = target.shell === 'fish' ? fish(name, start, options) : posix(name, start, options);
  return { name, lines: [...about, ...lines], cannot };
}

function posix(name: string, start: readonly string[], options: readonly string[]): string[] {
  const words = [`$(${ASK_EXPAND})`, ...pairs(options.map(shellWord)), '"$@"'];
  return [`${name}() {`, `  ${continued(start.join(' '), words)}`, '}'];
}

/** fish knows no `&&` in a substitution of old versions, and another quoting. */
function fish(name: string, start: readonly string[], options: readonly string[]): string[] {
  const ask = ASK_EXPAND.replace(' && ', '; and ');
  const words = [`(${ask})`, ...pairs(options.map(fishQuote)), '$argv'];
  return [`function ${name}`, `  ${continued(start.join(' '), words)}`, 'end'];
}

/** In single quotes only `\` and `'` are special to fish, and line breaks stand as they are. */
function fishQuote(word: string): string {
  if (/^[\w%+=:,./-]+$/.test(word) && !word.startsWith('%')) return word;
  return `'${word.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** `-p` with its value on one line. */
function pairs(words: readonly string[]): string[] {
  return words.flatMap((word, at) => {
    if (words[at - 1] === '-p') return [];
    return word === '-p' ? [`-p ${words[at + 1]}`] : [word];
  });
}
