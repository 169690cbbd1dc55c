import { printable } from './safe.js';

/**
 * Quotes one word for a POSIX shell, so that pasting the result gives the word byte for byte.
 * Words that need no quotes stay bare.
 */
export function shellQuote(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Quotes and joins an argument list into one line for a POSIX shell. */
export function shellLine(argv: readonly string[]): string {
  return argv.map(shellQuote).join(' ');
}

/**
 * Quotes and joins an argument list into one line that can be shown and pasted: what cannot be
 * printed is written as `$'\n'`, which bash, zsh and ksh read (and POSIX since 2024).
 */
export function pastableLine(argv: readonly string[]): string {
  return argv
    .map((word) => (printable(word) === word ? shellQuote(word) : dollarQuote(word)))
    .join(' ');
}

function dollarQuote(word: string): string {
  const escaped = [...word].map((character) => {
    if (character === "'" || character === '\\') return `\\${character}`;
    return printable(character) === character ? character : escapeOf(character.codePointAt(0) ?? 0);
  });
  return `$'${escaped.join('')}'`;
}

/** Always the full number of digits: what follows could be one, too. */
function escapeOf(code: number): string {
  if (code <= 0x7f) return `\\x${code.toString(16).padStart(2, '0')}`;
  const digits = code.toString(16);
  return code <= 0xffff ? `\\u${digits.padStart(4, '0')}` : `\\U${digits.padStart(8, '0')}`;
}
