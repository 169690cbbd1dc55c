/** Words of command lines that stand in files. */
import { shellQuote } from '../../text/index.js';

/**
 * A word for a POSIX shell on one line: where it has line breaks, printf puts them in. (A `$'…'` would
 * be shorter, and dash and make know none.)
 */
export function shellWord(word: string): string {
  if (!word.includes('\n')) return shellQuote(word);
  const lines = word.split('\n').map((line) => (line === '' ? "''" : shellQuote(line)));
  // A line break at the end would be lost in the substitution.
  return `"$(printf '%s\\n' ${lines.join(' ')})"`;
}

/** A command over several lines, a word on each. */
export function continued(command: string, words: readonly string[]): string {
  return [command, ...words.map((word) => `    ${word}`)].join(' \\\n');
}
