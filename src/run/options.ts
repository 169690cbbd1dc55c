/**
 * The options of `rlimit run`, as one table: the parser below reads it, and so does the oclif
 * command, for `--help`, completion and the manifest. `run` parses by itself because loading oclif
 * would double the time to start a command.
 */
import { UnknownNameError, UsageError } from '../errors/index.js';

interface OptionSpec {
  char?: string;
  /** Name of the value in the help; an option without it is a switch. */
  value?: string;
  multiple?: boolean;
  /** The only values there are. */
  options?: readonly string[];
  summary: string;
}

/** What `--launcher` takes. */
export const LAUNCHERS = ['auto', 'user', 'system', 'cgroup', 'watched'] as const;
export type WantedLauncher = (typeof LAUNCHERS)[number];

export const RUN_OPTIONS = {
  property: {
    char: 'p',
    value: 'NAME=VALUE',
    multiple: true,
    summary: "a systemd property over the profile's (MemoryMax=20G); an empty value drops it",
  },
  jobs: {
    char: 'j',
    value: 'N|auto',
    summary:
      'jobs to tell the tools, instead of the recommended number; auto: a jobserver of rlimit ' +
      'gives them out as memory allows',
  },
  log: { value: 'FILE', summary: 'copy stdout and stderr to FILE as well' },
  launcher: {
    value: 'KIND',
    summary: 'who holds the limits: auto, user, system (systemd), cgroup, watched (by rlimit)',
    options: LAUNCHERS,
  },
  on: {
    value: 'slurm[:KEY=VALUE…]',
    multiple: true,
    summary: 'run on a node of a cluster, as a step of Slurm (slurm:partition=long,account=proofs)',
  },
  unit: { value: 'NAME', summary: 'name of the scope' },
  slice: { value: 'NAME', summary: 'slice to put the run in (default app-rlimit.slice)' },
  report: { value: 'FILE', summary: 'write how it ended to FILE, as JSON' },
  'break-stall': {
    summary: 'end a stall between MemoryHigh and MemoryMax, as on-stall of the profile says',
  },
  keep: { summary: 'let the command live on when the terminal is closed' },
  description: { value: 'TEXT', summary: 'description of the scope' },
  nice: { value: 'N', summary: 'niceness, -20 to 19' },
  machine: {
    value: 'KEYS',
    summary: 'answer for another machine (cores=36,memory=252G); with --dry-run or --on',
  },
  'dry-run': {
    char: 'n',
    summary: 'print the systemd-run line, ready to paste, and start nothing',
  },
  wait: { summary: 'wait for room in the budget (`rlimit budget`), in order of arrival' },
  strict: { summary: 'refuse to start unless every property is in force' },
  force: { summary: 'let pass what is refused as unwise' },
  quiet: { char: 'q', summary: 'say nothing but errors' },
  help: { char: 'h', summary: 'show this help' },
  json: { summary: 'with --dry-run the plan on stdout, otherwise the outcome on stderr, as JSON' },
} as const satisfies Record<string, OptionSpec>;

type OptionName = keyof typeof RUN_OPTIONS;

export interface RunOptions {
  profile: string;
  command: string[];
  properties: Record<string, string>;
  jobs?: number;
  /** `--jobs auto`: rlimit is the jobserver of make, ninja, cargo and their like. */
  jobserver: boolean;
  log?: string;
  report?: string;
  unit?: string;
  launcher: WantedLauncher;
  /** Another place than this machine: words of `--on`, to be read where it is (src/slurm/place.ts). */
  on: string[];
  slice?: string;
  description?: string;
  nice?: number;
  machine?: string;
  /** Help was asked for; nothing else of the options counts then. */
  help: boolean;
  dryRun: boolean;
  wait: boolean;
  strict: boolean;
  force: boolean;
  quiet: boolean;
  breakStall: boolean;
  keep: boolean;
  json: boolean;
}

/** The profile that is used when none is named. */
const DEFAULT_PROFILE = 'default';

/**
 * Parses `[PROFILE] [OPTION…] [--] COMMAND [ARG…]`. The command begins after `--`, or at the second
 * word that is no option; from there on nothing is looked at.
 * @throws {UsageError}
 */
export function parseRunArguments(argv: readonly string[]): RunOptions {
  const { profile, values, command } = split(argv);
  if (command.length === 0 && !values.has('help')) {
    throw new UsageError('there is no command to run', {
      remedy: `rlimit run ${profile ?? 'coq-standard'} -- make -j4`,
    });
  }
  const one = (name: OptionName): string | undefined => values.get(name)?.at(-1);
  const jobs = one('jobs');
  const nice = one('nice');
  return {
    profile: profile ?? DEFAULT_PROFILE,
    command,
    properties: parseAssignments(values.get('property') ?? []),
    ...(jobs === undefined || jobs === 'auto'
      ? {}
      : { jobs: parseInteger('--jobs', jobs, 1, 100_000) }),
    jobserver: jobs === 'auto',
    ...(nice === undefined ? {} : { nice: parseInteger('--nice', nice, -20, 19) }),
    launcher: parseLauncher(one('launcher') ?? 'auto'),
    on: values.get('on') ?? [],
    ...optional('log', one('log')),
    ...optional('report', one('report')),
    ...optional('unit', one('unit')),
    ...optional('slice', one('slice')),
    ...optional('description', one('description')),
    ...optional('machine', one('machine')),
    help: values.has('help'),
    dryRun: values.has('dry-run'),
    wait: values.has('wait'),
    strict: values.has('strict'),
    force: values.has('force'),
    quiet: values.has('quiet'),
    breakStall: values.has('break-stall'),
    keep: values.has('keep'),
    json: values.has('json'),
  };
}

/**
 * Reads `NAME=VALUE` words as a record; the last of a name wins.
 * @throws {UsageError} where the equals sign is missing
 */
export function parseAssignments(words: readonly string[]): Record<string, string> {
  const assignments: Record<string, string> = {};
  for (const word of words) {
    const [, name, value] = /^([A-Za-z]+)=(.*)$/s.exec(word) ?? [];
    if (name === undefined || value === undefined) {
      throw new UsageError(`-p ${JSON.stringify(word)} is not NAME=VALUE`, {
        remedy: '-p MemoryMax=20G',
      });
    }
    assignments[name] = value;
  }
  return assignments;
}

interface Split {
  profile: string | undefined;
  values: Map<OptionName, string[]>;
  command: string[];
}

function split(argv: readonly string[]): Split {
  const values = new Map<OptionName, string[]>();
  let profile: string | undefined;
  let position = 0;
  for (; position < argv.length; position += 1) {
    const word = argv[position] ?? '';
    if (word === '--') {
      position += 1;
      break;
    }
    if (word.startsWith('--')) position += takeLong(word, argv[position + 1], values);
    else if (word.startsWith('-') && word !== '-')
      position += takeShort(word, argv[position + 1], values);
    else if (profile === undefined) profile = word;
    else break;
  }
  return { profile, values, command: argv.slice(position) };
}

/** Takes `--name`, `--name=value` or `--name value`; says how many further words it used. */
function takeLong(word: string, next: string | undefined, values: Split['values']): number {
  const equals = word.indexOf('=');
  const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
  if (!isOption(name)) throw unknownOption(`--${name}`);
  const attached = equals < 0 ? undefined : word.slice(equals + 1);
  if (!takesValue(name) && attached !== undefined) {
    throw new UsageError(`--${name} takes no value`);
  }
  return add(name, attached, next, values);
}

/** Takes `-q`, `-qn`, `-p VALUE` or `-pVALUE`; says how many further words it used. */
function takeShort(word: string, next: string | undefined, values: Split['values']): number {
  for (let at = 1; at < word.length; at += 1) {
    const char = word[at];
    const name = (Object.keys(RUN_OPTIONS) as OptionName[]).find((key) => charOf(key) === char);
    if (name === undefined) throw unknownOption(`-${char}`);
    if (takesValue(name)) return add(name, word.slice(at + 1) || undefined, next, values);
    add(name, undefined, undefined, values);
  }
  return 0;
}

function add(
  name: OptionName,
  attached: string | undefined,
  next: string | undefined,
  values: Split['values'],
): number {
  const value = takesValue(name) ? (attached ?? next) : '';
  if (value === undefined) {
    const { value: placeholder } = RUN_OPTIONS[name] as OptionSpec;
    throw new UsageError(`--${name} needs a value: --${name} ${placeholder}`);
  }
  values.set(name, [...(values.get(name) ?? []), value]);
  return takesValue(name) && attached === undefined ? 1 : 0;
}

function isOption(name: string): name is OptionName {
  return Object.hasOwn(RUN_OPTIONS, name);
}

function takesValue(name: OptionName): boolean {
  return (RUN_OPTIONS[name] as OptionSpec).value !== undefined;
}

function charOf(name: OptionName): string | undefined {
  return (RUN_OPTIONS[name] as OptionSpec).char;
}

function unknownOption(option: string): UnknownNameError {
  return new UnknownNameError(
    'option',
    option,
    Object.keys(RUN_OPTIONS).map((name) => `--${name}`),
    { remedy: 'rlimit run --help' },
  );
}

/** @throws {UsageError} */
function parseLauncher(text: string): WantedLauncher {
  const found = LAUNCHERS.find((kind) => kind === text);
  if (found !== undefined) return found;
  throw new UsageError(`--launcher ${JSON.stringify(text)} is none of ${LAUNCHERS.join(', ')}`);
}

function parseInteger(option: string, text: string, low: number, high: number): number {
  const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= low && value <= high)) {
    throw new UsageError(
      `${option} ${JSON.stringify(text)} is not a whole number from ${low} to ${high}`,
    );
  }
  return value;
}

/** A key that is left out where there is no value (exactOptionalPropertyTypes). */
function optional<K extends string>(key: K, value: string | undefined): { [P in K]?: string } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: string });
}
