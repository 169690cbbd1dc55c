/** Shell completion, worked out from the manifest: pure, so that it is the same in every shell. */

/** What of the manifest completion needs. */
export interface CompletionCommand {
  id: string;
  flags: Record<string, { name: string; char?: string; type: string; options?: readonly string[] }>;
  args: Record<string, { name: string; options?: readonly string[] }>;
}

/** Names that only the machine knows; each is asked for only where it is wanted. */
export interface CompletionNames {
  profiles(): Promise<string[]>;
  units(): Promise<string[]>;
  /** Ids of runs of the history. */
  runs(): Promise<string[]>;
  /** Ids of the catalogue of troubles. */
  troubles(): Promise<string[]>;
}

/**
 * Words that may stand where the last one stands. An empty answer leaves the shell to complete
 * files, which is also right for the command after `run PROFILE --`.
 * @param words the command line behind `rlimit`; the last one is unfinished, perhaps empty
 */
export async function completeWords(
  words: readonly string[],
  commands: readonly CompletionCommand[],
  names: CompletionNames,
): Promise<string[]> {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const command = commandOf(before, commands);
  // `budget` is a verb, and so is `budget set`.
  const verbs = nextVerbs(before, commands);
  const more = command && (await candidatesFor(command, { before, current, names }));
  const candidates = [...verbs, ...(more ?? [])];
  return candidates.filter((word) => word.startsWith(current)).sort();
}

/** The command whose id (`profile:show`) is what the first words say; the longest wins. */
function commandOf(
  before: readonly string[],
  commands: readonly CompletionCommand[],
): CompletionCommand | undefined {
  return commands
    .filter(({ id }) => id.split(':').every((part, at) => before[at] === part))
    .sort((a, b) => b.id.length - a.id.length)[0];
}

function nextVerbs(before: readonly string[], commands: readonly CompletionCommand[]): string[] {
  const depth = before.length;
  const next = commands
    .map(({ id }) => id.split(':'))
    .filter((parts) => before.every((word, at) => parts[at] === word))
    .flatMap((parts) => parts[depth] ?? []);
  return [...new Set(depth === 0 ? [...next, 'help'] : next)];
}

async function candidatesFor(
  command: CompletionCommand,
  {
    before,
    current,
    names,
  }: { before: readonly string[]; current: string; names: CompletionNames },
): Promise<string[]> {
  const words = before.slice(command.id.split(':').length);
  if (words.includes('--')) return [];
  const flag = Object.values(command.flags).find(({ name, char, type }) => {
    return type === 'option' && [`--${name}`, `-${char}`].includes(words.at(-1) ?? '');
  });
  if (flag !== undefined) return valuesFor(flag, names);
  if (current.startsWith('-')) return Object.values(command.flags).map(({ name }) => `--${name}`);
  const arg = Object.values(command.args)[countArguments(words, command)];
  if (arg === undefined) return [];
  if (arg.options !== undefined) return [...arg.options];
  if (arg.name === 'run') return names.runs();
  // `profile|unit` takes either.
  const kinds = arg.name.split('|');
  return [
    ...(kinds.includes('profile') ? await names.profiles() : []),
    ...(kinds.includes('unit') ? await names.units() : []),
  ];
}

/** `--unit` of `run` is left alone: that name must not be in use. */
async function valuesFor(
  { name, options }: CompletionCommand['flags'][string],
  names: CompletionNames,
): Promise<string[]> {
  if (options !== undefined) return [...options];
  if (name === 'explain') return names.troubles();
  if (name === 'run') return names.runs();
  return name === 'profile' ? names.profiles() : [];
}

/** How many arguments are already there, options and their values not counted. */
function countArguments(words: readonly string[], { flags }: CompletionCommand): number {
  const takesValue = Object.values(flags)
    .filter(({ type }) => type === 'option')
    .flatMap(({ name, char }) => [`--${name}`, ...(char === undefined ? [] : [`-${char}`])]);
  return words.filter(
    (word, at) => !word.startsWith('-') && !takesValue.includes(words[at - 1] ?? ''),
  ).length;
}
