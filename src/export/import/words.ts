/** Lines as words: as systemd divides a setting, and as a shell divides a command. Pure. */
import { UsageError } from '../../errors/index.js';

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', s: ' ' },
};

/** Words of a setting: quotes, C escapes, and `%%` for `%` (systemd.syntax(7)). */
export function systemdWords(text: string): string[] {
  const words = text.match(
    /(?:"(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*'|\\[\s\S]|[^\s"'\\])+/g,
  );
  return (words ?? []).map((word) =>
    word
      .replace(/"((?:\\[\s\S]|[^"\\])*)"|'((?:\\[\s\S]|[^'\\])*)'/g, (_, double, single) =>
        unescaped(double ?? single ?? ''),
      )
      .replaceAll('%%', '%'),
  );
}

function unescaped(text: string): string {
  return text.replace(/\\(?:x([0-9a-f]{2})|([\s\S]))/gi, (_, hex?: string, other?: string) =>
    hex === undefined
      ? (ESCAPES[other ?? ''] ?? other ?? '')
      : String.fromCharCode(parseInt(hex, 16)),
  );
}

/** Behind these the words belong to another command. */
const OPERATOR = /[;&|<>\n()]/;

/**
 * Words of a command line as it was pasted, with the quotes of a POSIX shell and `$'…'`. A backslash at
 * the end of a line joins it with the next. Nothing is expanded: `$HOME` stays as it is.
 * @throws {UsageError} for an open quote, and for more than one command
 */
export function shellWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  const line = text.trim().replace(/\\\n/g, ' ');
  for (let at = 0; at < line.length; ) {
    const rest = line.slice(at);
    const part = PARTS.map((pattern) => pattern.exec(rest)).find((match) => match !== null);
    if (part === undefined) {
      if (OPERATOR.test(rest[0] ?? '')) throw manyCommands(rest);
      throw new UsageError('a quote of the command line is not closed');
    }
    at += part[0].length;
    if (/^\s/.test(part[0])) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + meant(part[0]);
    }
  }
  return word === undefined ? words : [...words, word];
}

const PARTS = [
  /^[^\S\n]+/,
  /^'[^']*'/,
  /^"(?:\\[\s\S]|[^"\\])*"/,
  /^\$'(?:\\[\s\S]|[^'\\])*'/,
  /^\\[\s\S]/,
  /^\$\((?:[^()]|\([^()]*\))*\)/,
  /^`[^`]*`/,
  /^[^\s'"\\;&|<>()$`]+/,
  /^\$/,
];

function meant(part: string): string {
  if (part.startsWith("$'")) return unescaped(part.slice(2, -1));
  if (part.startsWith("'")) return part.slice(1, -1);
  if (part.startsWith('"')) return part.slice(1, -1).replace(/\\([$`"\\])/g, '$1');
  return part.startsWith('\\') ? part.slice(1) : part;
}

function manyCommands(rest: string): UsageError {
  return new UsageError(`there is more than a command: ${JSON.stringify(rest.slice(0, 20))}`, {
    why: 'One systemd-run line is read, with nothing behind it.',
  });
}
