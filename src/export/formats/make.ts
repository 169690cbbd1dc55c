/** A fragment for Makefiles: `$(RUN) coqc Backend.v`. */
import { UsageError } from '../../errors/index.js';
import { aboutProfile, header } from '../comment.js';
import { refuseOneForMany } from '../names.js';
import type { Cannot, Format, Subject, Target } from '../types.js';
import { ASK_EXPAND, scopeLine } from './scope-line.js';
import { shellWord } from './words.js';

export const make: Format = {
  summary: 'a fragment for Makefiles that defines RUN',
  many: true,
  uses: ['name'],
  write: (subjects, target) => {
    refuseOneForMany(subjects, target, ['name']);
    const parts = subjects.map((subject) => variables(subject, target, subjects.length === 1));
    const [first = 'RUN'] = parts.map(({ name }) => name);
    const text = [
      ...header('make', subjects, target.machine, [
        `In a Makefile: include THIS-FILE, and then $(${first}) coqc Backend.v`,
      ]),
      `RLIMIT_EXPAND := $(shell ${ASK_EXPAND})`,
      ...parts.flatMap(({ lines }) => lines),
    ];
    return { text: `${text.join('\n')}\n`, cannot: parts.flatMap(({ cannot }) => cannot) };
  },
};

interface Part {
  name: string;
  lines: string[];
  cannot: Cannot[];
}

function variables(subject: Subject, target: Target, isOnly: boolean): Part {
  const { profile, limits } = subject;
  const { start, options, notes, cannot } = scopeLine(subject, target);
  const own = isOnly ? 'RUN' : `RUN_${profile.name.replaceAll('-', '_')}`;
  const name = target.name ?? own;
  if (!/^[A-Za-z_]\w{0,60}$/.test(name)) {
    throw new UsageError(`${JSON.stringify(name)} cannot be the name of a variable of make`, {
      remedy: '--name RUN',
    });
  }
  const words = [...start, '$(RLIMIT_EXPAND)', ...options.map((word) => inMake(shellWord(word)))];
  const { jobs } = limits;
  return {
    name,
    lines: [
      ...aboutProfile(subject, { notes, cannot }),
      `${name} := ${words.join(' ')}`,
      ...(jobs === undefined
        ? []
        : [
            `# As many jobs as fit: $(${name}) $(MAKE) -j$(${name}_JOBS)`,
            `${name}_JOBS := ${jobs.pick}`,
          ]),
    ],
    cannot,
  };
}

/** `$` is doubled; `#` would begin a comment, and backslashes before it count (GNU make, Makefile Contents). */
function inMake(word: string): string {
  return word.replaceAll('$', '$$$$').replace(/(\\*)#/g, '$1$1\\#');
}
