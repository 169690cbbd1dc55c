import type { Trouble } from '../catalogue/index.js';
import { cut, paragraph, style, textWidth } from './style.js';
import { table } from './table.js';

/** A trouble with its name, as `--explain` tells it. */
interface NamedTrouble extends Trouble {
  id: string;
  lesson?: string;
}

/** One trouble with everything there is to know of it; several as a list of names and titles. */
export function renderExplanation(troubles: readonly NamedTrouble[]): string {
  const [only, ...more] = troubles;
  if (only !== undefined && more.length === 0) return renderOne(only);
  const names = Math.max(0, ...troubles.map(({ id }) => id.length));
  const room = Math.max(20, textWidth() - names - 2);
  const rows = troubles.map(({ id, title }) => [style.name(id), cut(title, room)]);
  return table(['ID', 'WHAT IT IS'], rows);
}

function renderOne({ id, title, why, mend, found, systemd, source, lesson }: NamedTrouble): string {
  const fields: [name: string, text: string][] = [
    ['mend', mend],
    [
      'found by',
      found.map((verb) => `rlimit ${verb === 'prove' ? 'doctor --prove' : verb}`).join(', '),
    ],
    ['systemd', versions(systemd)],
    ...(source === undefined ? [] : [['source', source] as [string, string]]),
    ...(lesson === undefined ? [] : [['story', lesson] as [string, string]]),
  ];
  return [
    `${style.heading(id)}: ${title}`,
    '',
    paragraph(why, { indent: 2 }),
    '',
    ...fields.map(([name, text]) => field(name, text)),
  ].join('\n');
}

/** `mend:` and so on, with the lines of a long text below each other. */
function field(name: string, text: string): string {
  const label = `${name}:`.padEnd(10);
  const [first = '', ...more] = paragraph(text, { indent: 2 + label.length }).split('\n');
  return [`  ${style.faint(label)}${first.trimStart()}`, ...more].join('\n');
}

function versions({ from, until }: NonNullable<Trouble['systemd']> = {}): string {
  if (from !== undefined && until !== undefined) return `${from} to ${until}`;
  if (from !== undefined) return `${from} and later`;
  return until === undefined ? 'every version' : `up to ${until}`;
}
