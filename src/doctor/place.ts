import { readdirSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { isGone } from '../cgroup/index.js';
import { reasonOf } from '../profiles/reason.js';

/** How a program ended that was asked; absent where there is no such program. */
export interface Answer {
  status: number;
  out: string;
  err: string;
}

/** Asks a program. @throws {Unknown} when it does not answer in time */
export type Ask = (argv: readonly string[]) => Promise<Answer | undefined>;

/** Where the checks look, and who asks. */
export interface Place {
  /** What stands for `/`: empty, or another tree in tests. */
  root: string;
  uid: number;
  /** Login name. */
  user: string;
  home: string;
  env: Readonly<Record<string, string | undefined>>;
  /** The process that started rlimit: its limits are the caller's, while Node changed its own. */
  parent: number;
  ask: Ask;
}

/** Something that could not be found out, with the reason: a check that meets it is `unknown`. */
export class Unknown extends Error {}

/** A program that takes longer is not waited for: one that hangs must not hang the doctor. */
const ANSWER_MS = 20_000;
/** So many are asked at once: all together, they would wait for each other and be given up. */
const ASKED_AT_ONCE = 4;

/** This machine and this user. A line that was asked already is answered from memory. */
export function placeHere(): Place {
  const answers = new Map<string, Promise<Answer | undefined>>();
  const inTurn = turns(ASKED_AT_ONCE);
  return {
    root: '',
    uid: process.getuid?.() ?? 0,
    ...nameAndHome(),
    env: process.env,
    parent: process.ppid,
    ask: (argv) => {
      const line = argv.join('\0');
      const known = answers.get(line) ?? inTurn(() => askProgram(argv));
      answers.set(line, known);
      return known;
    },
  };
}

/** Lets so many work at a time; the others in the order in which they came. */
function turns(atOnce: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let free = atOnce;
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}

/**
 * The text of a file, or undefined where there is none.
 * @throws {Unknown} where it is there and cannot be read
 */
export function readText(place: Pick<Place, 'root'>, path: string): string | undefined {
  try {
    return readFileSync(`${place.root}${path}`, 'utf8');
  } catch (error) {
    if (isGone(error)) return undefined;
    throw new Unknown(`${path} cannot be read: ${reasonOf(error)}`);
  }
}

/**
 * The text of a file that is to be there.
 * @throws {Unknown} where it is not
 */
export function needText(place: Pick<Place, 'root'>, path: string): string {
  const text = readText(place, path);
  if (text === undefined) throw new Unknown(`${path} is not there`);
  return text;
}

/** Names in a directory, sorted; none where there is none. @throws {Unknown} */
export function namesIn(place: Pick<Place, 'root'>, path: string): string[] {
  try {
    return readdirSync(`${place.root}${path}`).sort();
  } catch (error) {
    if (isGone(error)) return [];
    throw new Unknown(`${path} cannot be read: ${reasonOf(error)}`);
  }
}

/**
 * What a program prints.
 * @throws {Unknown} where it is not there, fails, or does not answer
 */
export async function said(place: Place, argv: readonly string[]): Promise<string> {
  const answer = await place.ask(argv);
  const line = argv.slice(0, 4).join(' ');
  if (answer === undefined) throw new Unknown(`${argv[0]} is not there`);
  if (answer.status === 0) return answer.out;
  const reason = answer.err.trim().split('\n')[0] || `status ${answer.status}`;
  throw new Unknown(`${line}: ${reason}`);
}

/** @param limitMs for tests */
export async function askProgram(
  [program = '', ...args]: readonly string[],
  limitMs = ANSWER_MS,
): Promise<Answer | undefined> {
  const { execa } = await import('execa');
  const result = await execa(program, args, {
    reject: false,
    stdin: 'ignore',
    timeout: limitMs,
    killSignal: 'SIGKILL',
    maxBuffer: 64 * 1024 * 1024,
    // Figures and messages are printed alike in all languages.
    env: { LC_ALL: 'C.UTF-8', SYSTEMD_COLORS: '0', SYSTEMD_URLIFY: '0', SYSTEMD_PAGER: '' },
  });
  if (result.timedOut) {
    const line = [program, ...args].slice(0, 4).join(' ');
    throw new Unknown(`${line} did not answer within ${limitMs / 1000} s`);
  }
  if (result.code === 'ENOENT') return undefined;
  return { status: result.exitCode ?? 128, out: result.stdout, err: result.stderr };
}

/** A user that no directory knows, as in some containers, has the environment's word. */
function nameAndHome(): Pick<Place, 'user' | 'home'> {
  const { USER, HOME } = process.env;
  try {
    const { uid, username, homedir } = userInfo();
    // Under sudo, HOME may still be the caller's.
    return { user: username, home: uid === 0 ? homedir : HOME || homedir };
  } catch {
    return { user: USER || String(process.getuid?.() ?? 0), home: HOME || '/' };
  }
}
