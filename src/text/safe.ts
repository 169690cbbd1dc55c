/**
 * Makes text from outside (process names, unit descriptions, command lines) harmless to print:
 * control characters, which could move the cursor or recolour the terminal, and the marks that
 * reverse writing direction are shown as `\xHH` or `\u{H}`.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** The same of a text whose line breaks are its own. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
