/** Reading profile files. Loaded only when there is one: it brings a YAML parser and a schema. */
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import type * as z from 'zod';
import { ProfileFileError } from '../errors/index.js';
import type { Layer } from '../model/index.js';
import { counted, nearest, printable } from '../text/index.js';
import { type RawBody, toBody } from './body.js';
import type { Definition, ProjectFile, SourceFile } from './definition.js';
import { type Located, type Position, type Problem, readDocument } from './document.js';
import { reasonOf } from './reason.js';
import { knownKeys, projectSchema, userSchema } from './schema.js';

/** Larger than any profile anybody writes. */
const MOST_BYTES = 256 * 1024;

/**
 * Reads a profile of the user's.
 * @param text the content, when it is known already
 * @throws {ProfileFileError} for the first thing that is wrong in it
 */
export function readUserFile(path: string, name: string, text = readProfileText(path)): Definition {
  const { definitions } = demand(path, parseProfiles({ path, text, project: false }, name));
  return definitions[0] as Definition;
}

/**
 * Reads a project file. One that belongs to somebody else is not read at all: whoever can put a
 * file into a directory above ours could otherwise set our limits.
 * @throws {ProfileFileError} for the first thing that is wrong in it
 */
export function readProjectFile(path: string, text?: string): ProjectFile {
  const content = text === undefined ? readBytes(path) : undefined;
  if (content && content.owner !== 0 && content.owner !== process.geteuid?.()) {
    const owner = `user ${content.owner}`;
    const skipped = `${printable(path)} was not read: it belongs to somebody else (${owner})`;
    return { profiles: new Map(), skipped };
  }
  const source = { path, text: text ?? decode(path, content?.bytes), project: true };
  const { definitions } = demand(path, parseProfiles(source));
  return { profiles: new Map(definitions.map((each) => [each.name, each])) };
}

/**
 * Reads a text file with the care that a path from outside needs: no pipes, no devices, no end.
 * @throws {ProfileFileError}
 */
export function readProfileText(path: string): string {
  return decode(path, readBytes(path).bytes);
}

/** All profiles of a text, or all that is wrong with it. */
export function parseProfiles(
  { path, text, project }: SourceFile,
  name = '',
): { definitions: Definition[]; located: Located } | { problems: Problem[] } {
  const located = readDocument(text);
  if ('problems' in located) return located;
  if (isEmpty(located.data)) return { problems: [emptyProblem(project)] };
  const schema = project ? projectSchema : userSchema;
  const result = schema.safeParse(located.data);
  if (!result.success) {
    const known = (path: readonly PropertyKey[]) => knownKeys(path, project);
    return { problems: problemsOf(result.error, located, known) };
  }
  const bodies: [string, RawBody, string[]][] = project
    ? Object.entries((result.data as { profiles?: Record<string, RawBody> }).profiles ?? {}).map(
        ([each, body]) => [each, body, ['profiles', each]],
      )
    : [[name, result.data as RawBody, []]];
  const layer: Layer = project ? 'project' : 'user';
  const definitions = bodies.map(([each, raw, prefix]) => {
    return {
      name: each,
      layer,
      file: path,
      body: toBody(raw),
      positions: positionsOf(raw, prefix, located),
    };
  });
  return { definitions, located };
}

function demand<T extends object>(path: string, result: T | { problems: Problem[] }): T {
  if (!('problems' in result)) return result;
  const [first] = result.problems;
  const error = new ProfileFileError(path, first?.message ?? 'cannot be read', first?.position);
  const more = result.problems.length - 1;
  if (more > 0) error.why = `${counted(more, 'more problem')} in the file.`;
  error.remedy = 'rlimit profile check';
  throw error;
}

function readBytes(path: string): { bytes: Buffer; owner: number } {
  return withFile(path, (descriptor, stats) => {
    if (stats.isDirectory()) throw new ProfileFileError(path, 'is a directory');
    if (!stats.isFile()) throw new ProfileFileError(path, 'is not a regular file');
    if (stats.size > MOST_BYTES) throw new ProfileFileError(path, 'is too large for a profile');
    return { bytes: readFileSync(descriptor), owner: stats.uid };
  });
}

function decode(path: string, bytes: Buffer = Buffer.alloc(0)): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ProfileFileError(path, 'is not UTF-8 text', positionOfBadByte(bytes));
  }
}

function withFile<T>(path: string, work: (descriptor: number, stats: Stats) => T): T {
  let descriptor: number | undefined;
  try {
    // O_NONBLOCK: opening a pipe that nobody writes to must not wait for ever.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return work(descriptor, fstatSync(descriptor));
  } catch (error) {
    if (error instanceof ProfileFileError) throw error;
    throw new ProfileFileError(path, `cannot be read: ${reasonOf(error)}`);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function positionOfBadByte(bytes: Buffer): { line: number; column: number } {
  const decoded = bytes.toString('utf8');
  const before = decoded.slice(0, Math.max(0, decoded.indexOf('\ufffd'))).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

function isEmpty(data: unknown): boolean {
  return data === null || data === undefined || data === '';
}

function emptyProblem(project: boolean): Problem {
  const example = project ? 'profiles:' : 'summary: and limits:';
  return { message: `is empty: a profile file has ${example}`, position: { line: 1, column: 1 } };
}

/**
 * What a schema has against a document, with the places.
 * @param known keys that may stand where, for guesses
 */
export function problemsOf(
  error: z.ZodError,
  located: Located,
  known: (path: readonly PropertyKey[]) => readonly string[],
): Problem[] {
  return error.issues
    .flatMap((issue) => {
      if (issue.code === 'unrecognized_keys') {
        return issue.keys.map((key) => unknownKey(issue.path, key, located, known(issue.path)));
      }
      const subject = issue.path.at(-1);
      const says = printable(issue.message);
      // Some messages begin with their subject already, being written for a command line as well.
      const message =
        subject === undefined || says.startsWith(`${String(subject)}:`) || !needsSubject(says)
          ? says
          : `${printable(String(subject))} ${says}`;
      return [problem(message, located.valueAt(issue.path))];
    })
    .sort((a, b) => (a.position?.line ?? 0) - (b.position?.line ?? 0));
}

/** Messages of the schema itself are predicates: `should be text`. */
function needsSubject(message: string): boolean {
  return /^(should|is|cannot) /.test(message);
}

/** What is said of a key that a schema does not have, with the nearest one. */
export function unknownKey(
  path: readonly PropertyKey[],
  key: string,
  located: Located,
  known: readonly string[],
): Problem {
  const [hint] = nearest(key, known);
  const guess = hint === undefined ? `the keys are ${known.join(', ')}` : `did you mean ${hint}?`;
  const message = `there is no key ${JSON.stringify(printable(key))} here; ${guess}`;
  return problem(message, located.keyAt([...path, key]));
}

function problem(message: string, position: Problem['position']): Problem {
  return { message, ...(position === undefined ? {} : { position }) };
}

/** The place of every value that can have an origin. */
function positionsOf(
  raw: RawBody,
  prefix: readonly string[],
  located: Located,
): Record<string, Position> {
  const positions: Record<string, Position> = {};
  for (const [key, value] of Object.entries(raw)) {
    const nested = typeof value === 'object' ? Object.keys(value) : [];
    for (const path of [[key], ...nested.map((inner) => [key, inner])]) {
      const position = located.keyAt([...prefix, ...path]);
      if (position !== undefined) positions[path.join('.')] = position;
    }
  }
  return positions;
}
