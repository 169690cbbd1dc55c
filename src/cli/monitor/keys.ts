/** What was pressed at a terminal in raw mode. */
export type Key =
  | { name: 'up' | 'down' | 'enter' | 'escape' | 'backspace' | 'interrupt' | 'stop' }
  | { name: 'text'; text: string };

const NAMED: Readonly<Record<string, Key['name']>> = {
  '\u001b[A': 'up',
  '\u001b[B': 'down',
  '\u001bOA': 'up',
  '\u001bOB': 'down',
  '\t': 'down',
  '\u001b[Z': 'up',
  '\r': 'enter',
  '\n': 'enter',
  '\u001b': 'escape',
  '\u007f': 'backspace',
  '\b': 'backspace',
  '\u0003': 'interrupt',
  // In raw mode these are no end of input and no signal any more.
  '\u0004': 'interrupt',
  '\u001a': 'stop',
};

/** CSI and SS3 sequences (ECMA-48), then single characters. */
const PIECES = new RegExp(`${'\u001b'}(?:\\[[0-9;?]*[@-~]|O[@-~])|.`, 'gsu');

/** The keys of what a terminal has sent at once. Sequences that mean nothing here are left out. */
export function parseKeys(sent: string): Key[] {
  return (sent.match(PIECES) ?? []).flatMap((piece): Key[] => {
    const name = NAMED[piece];
    if (name !== undefined && name !== 'text') return [{ name }];
    const isText = /^\P{Cc}$/u.test(piece);
    return isText ? [{ name: 'text', text: piece }] : [];
  });
}
