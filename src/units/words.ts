/** Words of unit files as systemd reads them (systemd.syntax(7), "Quoting"). Pure. */

/** One that systemd splits no further and takes as it is: quoted where it must be, `%` doubled. */
export function word(text: string): string {
  const literal = withoutSpecifiers(text);
  return /^[\w@+=:,./%$-]+$/.test(literal) ? literal : quoted(literal);
}

/** In double quotes, with C escapes: no character of it ends the line or the word. */
export function quoted(text: string): string {
  const escaped = text.replace(/[\\"]/g, '\\$&').replace(/\p{Cc}/gu, controlEscape);
  return `"${escaped}"`;
}

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '\r': '\\r' };

function controlEscape(character: string): string {
  const code = character.charCodeAt(0);
  // An escape is a byte, and those above are two in UTF-8; they end nothing.
  if (code > 0x7f) return character;
  return SHORT[character] ?? `\\x${code.toString(16).padStart(2, '0')}`;
}

/** systemd puts names of units, hosts and others in place of `%n`, `%H` … (systemd.unit(5)). */
export function withoutSpecifiers(text: string): string {
  return text.replaceAll('%', '%%');
}

/**
 * The value of ExecStart= that runs these very words. In arguments systemd puts variables in place of
 * `$NAME` and `$$` means `$`; in the path of the program it does neither (systemd.service(5),
 * "Command lines"; seen on 257: a doubled `$` there names another file).
 */
export function commandLine([program = '', ...args]: readonly string[]): string {
  return [word(program), ...args.map((each) => word(each).replaceAll('$', '$$$$'))].join(' ');
}

/** `Name=word word`. */
export function setting(name: string, ...words: string[]): string {
  return `${name}=${words.map(word).join(' ')}`;
}
