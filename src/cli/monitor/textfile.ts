/** Metrics as a file for the textfile collector of node_exporter. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { UnavailableError } from '../../errors/index.js';

/** The collector reads *.prom, and nothing else in the directory. */
const NAME = 'rlimit.prom';

/**
 * Writes DIR/rlimit.prom so that a reader finds it whole or not at all.
 * @returns its path
 * @throws {UnavailableError} where it cannot be written
 */
export function writeTextfile(directory: string, text: string): string {
  const path = `${directory}/${NAME}`;
  const draft = `${path}.${process.pid}`;
  try {
    // A draft of ours is left where we were killed; one that is a link was put there by somebody else.
    rmSync(draft, { force: true });
    writeFileSync(draft, text, { flag: 'wx', mode: 0o644 });
    renameSync(draft, path);
    return path;
  } catch (error) {
    removeQuietly(draft);
    throw new UnavailableError(`${path} cannot be written: ${(error as Error).message}`, {
      why: 'It is written beside itself and put in place by a rename, so the directory must be writable.',
      remedy:
        'a directory of yours, the one that node_exporter has for --collector.textfile.directory',
    });
  }
}

function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The directory is not ours: then nothing was written either.
  }
}
