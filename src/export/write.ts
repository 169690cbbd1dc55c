/** Puts an exported text into a file that may be there already. */
import { readFileSync } from 'node:fs';
import { UnavailableError, UsageError } from '../errors/index.js';
import { reasonOf } from '../profiles/reason.js';
import { replaceFile, type Written } from '../profiles/replace-file.js';
import { MARK } from './comment.js';

export interface FileWritten extends Written {
  /** The file said the same already, and was left alone. */
  unchanged?: true;
}

/**
 * Writes by rename. A file that is not one of ours is replaced only by force; what is replaced is kept
 * beside the new one.
 * @throws {UsageError} for a file of somebody else's
 * @throws {UnavailableError} when the file system refuses; nothing has changed then
 */
export function writeExport(
  path: string,
  text: string,
  { force }: { force: boolean },
): FileWritten {
  const before = textOf(path);
  if (before === text) return { file: path, unchanged: true };
  if (before !== undefined && !isOurs(before) && !force) {
    throw new UsageError(`${path} is there already, and not by rlimit export`, {
      why: 'Nothing was replaced.',
      remedy: 'another --output, or --force (the old one is kept as a backup)',
    });
  }
  return replaceFile(path, text, { overwrite: before !== undefined });
}

/** In the first lines: a script begins with its interpreter. */
function isOurs(text: string): boolean {
  return text.split('\n', 3).some((line) => line.startsWith(`# ${MARK} `));
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UnavailableError(`${path} cannot be read: ${reasonOf(error)}`);
  }
}
