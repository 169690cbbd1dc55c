/** The comments of an exported file: whose it is, for which machine, and what it cannot say. */
import type { Machine } from '../model/index.js';
import { roughBytes } from '../quantity/index.js';
import { counted, printable } from '../text/index.js';
import type { Cannot, Subject } from './types.js';

/** By these words a file is known as one of ours, which may be replaced. */
export const MARK = 'Written by `rlimit export';

const WIDTH = 94;

/** The first lines of every file, as comments with `# `. */
export function header(
  format: string,
  subjects: readonly Subject[],
  machine: Machine,
  advice: readonly string[],
): string[] {
  const names = subjects.map(({ profile }) => profile.name).join(' ');
  return comment([
    `${MARK} ${format} ${names}\`,`,
    `for ${describeMachine(machine)}.`,
    'Shares of the machine are figures here: write the file again for another machine (--machine).',
    '',
    ...advice,
    '',
  ]);
}

/** `a machine of 36 cores (72 CPUs), 252G of memory, 8G of swap, systemd 257`. */
function describeMachine({ cores, cpus, memory, swap, systemd }: Machine): string {
  const threads = cpus === cores ? '' : ` (${cpus} CPUs)`;
  return [
    `a machine of ${counted(cores, 'core')}${threads}`,
    `${roughBytes(memory)} of memory`,
    swap === 0 ? 'no swap' : `${roughBytes(swap)} of swap`,
    systemd === undefined ? 'systemd of unknown version' : `systemd ${systemd}`,
  ].join(', ');
}

/** What is to be known of one profile in the file. */
export function aboutProfile(
  { profile, limits }: Subject,
  { notes, cannot }: { notes: readonly string[]; cannot: readonly Cannot[] },
): string[] {
  const { jobs } = limits;
  const own = cannot.filter((each) => each.profile === profile.name);
  return comment([
    `Profile ${profile.name} (${profile.layer}): ${profile.summary || 'no summary'}`,
    ...limits.properties
      .filter(({ rule }) => rule !== undefined)
      .map(({ property, value, rule }) => `${property}=${value}: ${rule}`),
    ...limits.leftOut.map(({ property, wish, why }) => `left out: ${property}=${wish}: ${why}`),
    ...(jobs === undefined ? [] : [`jobs: -j${jobs.pick}. ${jobs.reason}`]),
    ...notes,
    ...cannotLines(own),
  ]);
}

/** What has one reason stands in one sentence. */
function cannotLines(cannot: readonly Cannot[]): string[] {
  const reasons = new Map<string, string[]>();
  for (const { what, value, why } of cannot) {
    reasons.set(why, [...(reasons.get(why) ?? []), `${what}=${value}`]);
  }
  return [...reasons].map(([why, said]) => `cannot say ${said.join(', ')}: ${why}`);
}

/** Sentences as comment lines; what could break out of a comment is made harmless. */
export function comment(sentences: readonly string[], mark = '#'): string[] {
  return sentences
    .flatMap((sentence) => wrap(printable(sentence.replace(/\s+/g, ' ').trim())))
    .map((line) => `${mark} ${harmless(line)}`.trimEnd());
}

/** make goes on reading a comment behind a backslash at the end of its line. */
function harmless(line: string): string {
  return line.replace(/\\$/, '\\ .');
}

function wrap(text: string): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + 1 + word.length > WIDTH) lines.push(`  ${word}`);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}
