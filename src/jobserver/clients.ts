import { pastableLine, printable, shellLine } from '../text/index.js';
import { hasJobserver } from './makeflags.js';
import { baseName, type PlainCommand, plainCommands } from './words.js';

/** How the tokens come to a tool; see `JobserverAuth`. */
export type Style = 'fifo' | 'pipe';

/** What is known of a command line before it is started. */
export interface Clients {
  /** Names of the build tools in it, in their order: `make`, `ninja`, `cmake --build`. */
  tools: string[];
  /** `no`: every tool in it is known, and none asks a jobserver. `unknown`: a script or a stranger. */
  asks: 'yes' | 'no' | 'unknown';
  /** `fifo` where one of them takes nothing else. */
  style: Style;
  /** One job may hold several tokens (rustc does, for its threads): none of them is lost then. */
  manyTokens: boolean;
  /** What keeps a tool from the jobserver, and what to type instead. */
  defeated: Defeat[];
  /** Known of the tools, and worth to be said once; whole sentences. */
  notes: string[];
}

/** A number of jobs that the tool takes before the jobserver. */
export interface Defeat {
  tool: string;
  /** As it was typed: `-j8`, `CMAKE_BUILD_PARALLEL_LEVEL=8`. */
  by: string;
  /** What happens, and why. */
  cause: string;
  /** What to type instead, ready to be pasted, where that can be known. */
  instead?: string;
}

export interface ClientsInput {
  argv: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  /** CMAKE_GENERATOR of the CMakeCache.txt in a build directory, where there is one. */
  generator?: (directory: string) => string | undefined;
}

/** A tool that asks a jobserver. */
interface Tool {
  style: Style;
  manyTokens?: boolean;
  /** An explicit number of jobs keeps it from the jobserver. */
  defeats: boolean;
}

/**
 * - make: a -j of the command line means "resetting jobserver mode" (GNU make 4.2 to 4.4.1,
 *   src/main.c); one in MAKEFLAGS does not.
 * - ninja: -j sets disable_jobserver_client, and only a FIFO is taken (ninja 1.13, src/ninja.cc,
 *   src/jobserver.cc).
 * - cargo: with a jobserver it warns and ignores its own -j (cargo, build_config.rs); CARGO_BUILD_JOBS
 *   is passed over without a word.
 */
const TOOLS: Record<string, Tool> = {
  make: { style: 'pipe', defeats: true },
  gmake: { style: 'pipe', defeats: true },
  remake: { style: 'pipe', defeats: true },
  ninja: { style: 'fifo', defeats: true },
  'ninja-build': { style: 'fifo', defeats: true },
  cargo: { style: 'pipe', defeats: false, manyTokens: true },
};

/** Build tools that ask no jobserver, and the option or variable that tells them how many jobs. */
const DEAF: Record<string, string> = {
  bazel: '--jobs=N',
  buck2: '--num-threads N',
  cabal: '-jN',
  ctest: '-j N or CTEST_PARALLEL_LEVEL',
  dune: '-j N',
  go: '-p N or GOMAXPROCS',
  gradle: '--max-workers=N',
  lake: 'LEAN_NUM_THREADS',
  meson: '-j N',
  mvn: '-T N',
  nix: '--max-jobs N',
  'nix-build': '--max-jobs N',
  pytest: '-n N',
  samu: '-jN',
  scons: '-jN',
  stack: '-jN',
  tup: '-jN',
  waf: '-jN',
  xmake: '-jN',
};

/** Reads a command line: which tools it starts, how they get their tokens, and what is in the way. */
export function readClients({ argv, env, generator }: ClientsInput): Clients {
  const clients: Clients = {
    ...{ tools: [], asks: 'unknown', style: 'pipe', manyTokens: false, defeated: [], notes: [] },
  };
  const simple = plainCommands(argv);
  // A command line that is the tool itself can be written anew; a script is the user's own.
  const plain = simple.length === 1 && simple[0] !== undefined && endsWith(argv, simple[0].argv);
  let strangers = 0;
  for (const command of simple) {
    const set = { ...env, ...command.environment };
    const found = { clients, command, env: set, ...(plain && { whole: argv }) };
    if (addTool(found, generator)) clients.asks = 'yes';
    else if (!addDeaf(clients, command)) strangers += 1;
  }
  if (clients.asks === 'unknown' && clients.tools.length > 0 && strangers === 0)
    clients.asks = 'no';
  if (hasJobserver(env.MAKEFLAGS ?? '')) {
    clients.notes.push(
      'A jobserver is in MAKEFLAGS already; the tools of this run get another one.',
    );
  }
  return clients;
}

interface Found {
  clients: Clients;
  command: PlainCommand;
  env: Readonly<Record<string, string | undefined>>;
  /** The whole command line, where it can be written anew. */
  whole?: readonly string[];
}

/** Adds a tool that asks a jobserver; false where it is none. */
function addTool(found: Found, generator: ClientsInput['generator']): boolean {
  const { clients, command } = found;
  const [program = '', ...args] = command.argv;
  const name = baseName(program);
  const driven = drivenTool(name, args, found.env, generator);
  const tool = TOOLS[driven?.tool ?? name];
  if (!tool) return false;
  const shown = driven?.shown ?? name;
  clients.tools.push(shown);
  if (tool.style === 'fifo') clients.style = 'fifo';
  if (tool.manyTokens) clients.manyTokens = true;
  if (tool.defeats) {
    addDefeats(found, shown, driven);
    addLoad(clients, shown, args);
  } else if (jobsOption(args)) {
    clients.notes.push(
      `${shown} has a number of jobs of its own, and will say that it ignores it.`,
    );
  }
  return true;
}

interface Driven {
  tool: string;
  shown: string;
  /** Has the same meaning as a -j on its command line. */
  variable?: string;
}

/** The tool that another one starts for the building itself. */
function drivenTool(
  name: string,
  args: readonly string[],
  env: ClientsInput['env'],
  generator: ClientsInput['generator'],
): Driven | undefined {
  if (name === 'cmake' && args.includes('--build')) {
    const directory = args[args.indexOf('--build') + 1] ?? '.';
    // cmake(1): makefiles, unless the build directory or the environment says otherwise.
    const system = generator?.(directory) ?? env.CMAKE_GENERATOR ?? 'Unix Makefiles';
    const tool = system.startsWith('Ninja') ? 'ninja' : 'make';
    return { tool, shown: 'cmake --build', variable: 'CMAKE_BUILD_PARALLEL_LEVEL' };
  }
  if (name === 'meson' && args[0] === 'compile') return { tool: 'ninja', shown: 'meson compile' };
  return undefined;
}

function addDefeats(
  { clients, command, env, whole }: Found,
  tool: string,
  driven: Driven | undefined,
): void {
  const option = jobsOption(command.argv.slice(1), driven !== undefined);
  if (option) {
    const rest = whole && without(whole, option);
    clients.defeated.push({
      tool,
      by: printable(shellLine(option.words)),
      cause: `${tool} takes ${printable(shellLine(option.words))} before the jobserver, so the number of its jobs would not follow memory`,
      ...(rest && { instead: pastableLine(rest) }),
    });
  }
  const variable = driven?.variable;
  const level = variable === undefined ? undefined : env[variable];
  if (variable !== undefined && level !== undefined && level !== '' && !option) {
    clients.defeated.push({
      tool,
      by: printable(`${variable}=${level}`),
      cause: `${tool} makes a -j of ${variable}, and takes that before the jobserver`,
      ...(whole && { instead: pastableLine(['env', '-u', variable, ...whole]) }),
    });
  }
}

/** A load limit does not keep a tool from the jobserver, but it may wait where there is memory. */
function addLoad(clients: Clients, tool: string, args: string[]): void {
  const load = args.find((word) =>
    /^(?:-l[\d.]*|--load-average(?:=.*)?|--max-load(?:=.*)?)$/.test(word),
  );
  if (load === undefined) return;
  clients.notes.push(
    `${tool} has a load limit (${printable(load)}) too: it may start fewer jobs than it has tokens.`,
  );
}

function addDeaf(clients: Clients, { argv: [program = '', ...args] }: PlainCommand): boolean {
  const name = baseName(program);
  const option = Object.hasOwn(DEAF, name) ? DEAF[name] : undefined;
  if (option === undefined || (name === 'meson' && args[0] !== 'test')) return false;
  clients.tools.push(name);
  clients.notes.push(`${name} asks no jobserver: it is told its number of jobs by ${option}.`);
  return true;
}

interface JobsOption {
  /** Index of its first word among the arguments. */
  at: number;
  words: string[];
}

/** `-j8`, `-j 8`, `-kj8`, `--jobs=8`, `--jobs 8`, and `--parallel` where that is another name for it. */
function jobsOption(args: readonly string[], parallel = false): JobsOption | undefined {
  const long = parallel ? '--(?:jobs|parallel)' : '--jobs';
  const joined = new RegExp(`^(?:-[bBdeikLmnpqrRsStvw]*j\\d+|${long}=.*)$`);
  const apart = new RegExp(`^(?:-[bBdeikLmnpqrRsStvw]*j|${long})$`);
  for (const [at, word] of args.entries()) {
    if (joined.test(word)) return { at, words: [word] };
    if (!apart.test(word)) continue;
    const next = args[at + 1];
    return { at, words: next !== undefined && /^\d+$/.test(next) ? [word, next] : [word] };
  }
  return undefined;
}

/** The command line without the option; flags that stood in one word with it stay. */
function without(whole: readonly string[], { words }: JobsOption): string[] {
  const [first = ''] = words;
  const at = whole.lastIndexOf(first);
  const flags = /^-([bBdeikLmnpqrRsStvw]+)j\d*$/.exec(first)?.[1];
  const kept = flags === undefined ? [] : [`-${flags}`];
  return [...whole.slice(0, at), ...kept, ...whole.slice(at + words.length)];
}

function endsWith(argv: readonly string[], end: readonly string[]): boolean {
  return end.every((word, index) => argv[argv.length - end.length + index] === word);
}
