/** Recipes for just: `just with-coq-standard make -j9`. */
import { aboutProfile, header } from '../comment.js';
import { COMMAND_NAME, nameFor, refuseOneForMany } from '../names.js';
import type { Cannot, Format, Subject, Target } from '../types.js';
import { ASK_EXPAND, scopeLine } from './scope-line.js';
import { shellWord } from './words.js';

export const just: Format = {
  summary: 'recipes of a justfile',
  many: true,
  uses: ['name'],
  write: (subjects, target) => {
    refuseOneForMany(subjects, target, ['name']);
    const parts = subjects.map((subject) => recipe(subject, target));
    const text = [
      ...header('just', subjects, target.machine, [
        `Import it in a justfile: import 'THIS-FILE'`,
        'Attributes of recipes need just 1.29 or later.',
      ]),
      ...parts.flatMap(({ lines }) => ['', ...lines]),
    ];
    return { text: `${text.join('\n')}\n`, cannot: parts.flatMap(({ cannot }) => cannot) };
  },
};

function recipe(subject: Subject, target: Target): { lines: string[]; cannot: Cannot[] } {
  const name = nameFor(subject, target, COMMAND_NAME);
  const { start, options, notes, cannot } = scopeLine(subject, target);
  const words = [...start, `$(${ASK_EXPAND})`, ...options.map(shellWord)];
  return {
    lines: [
      ...aboutProfile(subject, { notes, cannot }),
      // The comment right above a recipe is its line in `just --list`.
      `# Run a command under the limits of ${subject.profile.name}`,
      '[no-exit-message]',
      '[positional-arguments]',
      `${name} +command:`,
      `    @exec ${inJust(words.join(' '))} "$@"`,
    ],
    cannot,
  };
}

/** `{{` begins an expression of just; four braces are two. */
function inJust(line: string): string {
  return line.replaceAll('{{', '{{{{');
}
