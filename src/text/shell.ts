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
