/** Shells whose `-c` can be read. */
const SHELLS = ['sh', 'bash', 'dash', 'zsh', 'ksh', 'ash'];

/** Programs that run another, and those of their options that take a word of their own. */
const WRAPPERS: Record<string, { options: RegExp; operands: number }> = {
  chrt: { options: /^$/, operands: 1 },
  command: { options: /^$/, operands: 0 },
  env: { options: /^(?:-[uCS]|--unset|--chdir)$/, operands: 0 },
  exec: { options: /^-a$/, operands: 0 },
  ionice: { options: /^(?:-[cn]|--class|--classdata)$/, operands: 0 },
  nice: { options: /^(?:-n|--adjustment)$/, operands: 0 },
  nohup: { options: /^$/, operands: 0 },
  setsid: { options: /^$/, operands: 0 },
  stdbuf: { options: /^-[ioe]$/, operands: 0 },
  taskset: { options: /^$/, operands: 1 },
  time: { options: /^(?:-[fo]|--format|--output)$/, operands: 0 },
  timeout: { options: /^(?:-[ks]|--kill-after|--signal)$/, operands: 1 },
};

/** A command without what only starts it, and the variables that were set for it on the way. */
export interface PlainCommand {
  argv: string[];
  environment: Record<string, string>;
}

/** The commands that a command line comes down to: behind `env`, `nice`, `sh -c` and the like. */
export function plainCommands(
  argv: readonly string[],
  environment: Record<string, string> = {},
  depth = 0,
): PlainCommand[] {
  let words = [...argv];
  const known = { ...environment };
  while (words.length > 0) {
    words = takeAssignments(words, known);
    const wrapper = WRAPPERS[baseName(words[0] ?? '')];
    if (!wrapper) break;
    words = behindOptions(words.slice(1), wrapper);
  }
  const script = shellScript(words);
  if (script === undefined || depth > 3)
    return words.length > 0 ? [{ argv: words, environment: known }] : [];
  return shellCommands(script).flatMap((command) => plainCommands(command, known, depth + 1));
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function takeAssignments(words: string[], into: Record<string, string>): string[] {
  let taken = 0;
  for (const word of words) {
    const [, name, value] = /^([A-Za-z_]\w*)=([\s\S]*)$/.exec(word) ?? [];
    if (name === undefined || value === undefined) break;
    into[name] = value;
    taken += 1;
  }
  return words.slice(taken);
}

function behindOptions(
  words: string[],
  { options, operands }: { options: RegExp; operands: number },
): string[] {
  let at = 0;
  while (words[at]?.startsWith('-')) {
    const word = words[at] ?? '';
    at += options.test(word) ? 2 : 1;
    if (word === '--') break;
  }
  return words.slice(at + operands);
}

/** The script of `sh -c SCRIPT`, with or without other options. */
function shellScript(words: string[]): string | undefined {
  if (!SHELLS.includes(baseName(words[0] ?? ''))) return undefined;
  const option = words.findIndex((word, index) => index > 0 && /^-[a-z]*c[a-z]*$/.test(word));
  return option === -1 ? undefined : words[option + 1];
}

/**
 * The simple commands of a script, as words. It is no shell: what is substituted is left as it stands,
 * and what a command is inside of (a loop, a condition) does not matter for what is looked for.
 */
export function shellCommands(script: string): string[][] {
  const commands: string[][] = [[]];
  const token =
    /\s*(?:(\n|&&|\|\||[;&|(){}])|((?:'[^']*'|"(?:\\[\s\S]|[^"\\])*"|\\[\s\S]|[^\s;&|()'"\\])+)|([\s\S]))/y;
  for (let match = token.exec(script); match; match = token.exec(script)) {
    const [text, separator, word] = match;
    if (separator !== undefined || text.includes('\n')) commands.push([]);
    if (word !== undefined && !isKeyword(word)) commands.at(-1)?.push(unquote(word));
  }
  return commands.filter(({ length }) => length > 0);
}

function isKeyword(word: string): boolean {
  return ['if', 'then', 'else', 'elif', 'do', 'while', 'until', '!'].includes(word);
}

function unquote(word: string): string {
  return word.replace(
    /'([^']*)'|"((?:\\[\s\S]|[^"\\])*)"|\\([\s\S])/g,
    (_, single, double, escaped) =>
      single ?? double?.replace(/\\([\\"$`])/g, '$1') ?? (escaped === '\n' ? '' : escaped),
  );
}
