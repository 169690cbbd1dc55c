/** Unit files as systemd reads them (config_parse in its src/shared/conf-parser.c). Pure. */

/** One `Name=Value`, and where it stands. */
export interface Assignment {
  /** Without the brackets; empty before the first section, where systemd takes nothing. */
  section: string;
  name: string;
  /** Continuation lines joined, blanks around it cut off. Empty resets what was said before. */
  value: string;
  /** 1-based; of a value over several lines the first. */
  line: number;
}

/**
 * Reads the assignments of a unit file or a drop-in, in their order. A line that is none is passed
 * over, as systemd does; behind a broken section header it reads nothing any more, and so do we.
 */
export function parseUnitFile(text: string): Assignment[] {
  const assignments: Assignment[] = [];
  let section = '';
  for (const { content, line } of logicalLines(text)) {
    if (content.startsWith('[')) {
      if (!content.endsWith(']')) break;
      section = content.slice(1, -1);
      continue;
    }
    const equals = content.indexOf('=');
    if (equals < 1) continue;
    const name = content.slice(0, equals).trimEnd();
    assignments.push({ section, name, value: content.slice(equals + 1).trimStart(), line });
  }
  return assignments;
}

/** Lines with those that continue them; comments left out, also between continued lines. */
function logicalLines(text: string): { content: string; line: number }[] {
  const lines: { content: string; line: number }[] = [];
  let open: { content: string; line: number } | undefined;
  for (const [index, physical] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|[\n\r\0]/)
    .entries()) {
    const isComment = /^[ \t]*[#;]/.test(physical);
    if (isComment) continue;
    const continues = endsInBackslash(physical);
    const content = continues ? `${physical.slice(0, -1)} ` : physical;
    open =
      open === undefined
        ? { content, line: index + 1 }
        : { content: open.content + content, line: open.line };
    if (continues) continue;
    lines.push(open);
    open = undefined;
  }
  if (open !== undefined) lines.push(open);
  return lines
    .map(({ content, line }) => ({ content: trimBlanks(content), line }))
    .filter(({ content }) => content !== '');
}

/** One that is not itself escaped. */
function endsInBackslash(line: string): boolean {
  const backslashes = /\\*$/.exec(line)?.[0].length ?? 0;
  return backslashes % 2 === 1;
}

/** What systemd calls blanks; a no-break space is none. */
function trimBlanks(text: string): string {
  return text.replace(/^[ \t\n\r]+|[ \t\n\r]+$/g, '');
}

/**
 * Paths as `systemctl show` prints a list of them: between blanks, one with blanks or a backslash
 * in double quotes (seen, 252), with the escapes of a shell.
 */
export function splitPaths(text: string): string[] {
  const words = text.match(/(?:"(?:\\[\s\S]|[^"\\])*"|\\[\s\S]|[^\s"\\])+/g) ?? [];
  return words.map((word) =>
    word.replace(/"((?:\\[\s\S]|[^"\\])*)"|\\([\s\S])/g, (_, quoted?: string, escaped?: string) =>
      quoted === undefined ? (escaped ?? '') : quoted.replace(/\\([$`"\\\n])/g, '$1'),
    ),
  );
}
