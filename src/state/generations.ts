import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { UnavailableError } from '../errors/index.js';
import { olderFile } from './append.js';

/** The text of a file of lines, or of its old generation. */
export interface Generation {
  path: string;
  text: string;
  /** Which file it was, whatever its name is by now. */
  identity: string;
}

/**
 * Reads a file of lines (`appendLine`) and its old generation, that one first.
 * @param what it is, in words: `the history`
 *
 * The newer file is opened first: were it the other way round, a file that becomes the old
 * generation in between would be missed. Now it is met twice instead, and then counts once.
 * @throws {UnavailableError} when a file is there and cannot be read
 */
export function readGenerations(file: string, what: string): Generation[] {
  const generations: Generation[] = [];
  for (const path of [file, olderFile(file)]) {
    const generation = readGeneration(path, what);
    const isNew = !generations.some(({ identity }) => identity === generation?.identity);
    if (generation !== undefined && isNew) generations.unshift(generation);
  }
  return generations;
}

function readGeneration(path: string, what: string): Generation | undefined {
  let descriptor: number | undefined;
  try {
    // Not through a link, as it is not written through one; a FIFO must not make us wait.
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    descriptor = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const status = fstatSync(descriptor, { bigint: true });
    if (!status.isFile()) throw new Error('it is not a regular file');
    const text = readFileSync(descriptor, 'utf8');
    return { path, text, identity: `${status.dev}:${status.ino}` };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unreadable(path, what, error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function unreadable(path: string, what: string, error: unknown): UnavailableError {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const [why, remedy] = {
    ELOOP: [`It is a symbolic link, and ${what} is not kept behind one.`, `rm ${path}`],
    EACCES: ['You may not read it.', ownRemedy(path)],
  }[code] ?? [`${message}.`, `mv ${path} ${path}.broken`];
  return new UnavailableError(`${what} ${path} cannot be read`, {
    ...(why === undefined ? {} : { why }),
    ...(remedy === undefined ? {} : { remedy }),
  });
}

/** Only a directory of ours is given away as a whole. */
function ownRemedy(path: string): string {
  const directory = path.replace(/\/[^/]*$/, '');
  return directory.endsWith('/rlimit') ? `sudo chown -R "$USER" ${directory}` : `sudo cat ${path}`;
}
