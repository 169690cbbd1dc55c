/** `profile edit`: the user's editor on a copy, and the copy into place when it is good. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { RlimitError, UnavailableError, UsageError } from '../errors/index.js';
import { shellLine } from '../text/index.js';
import { editableFile, saveEdit } from './change.js';
import { readProfileText } from './file.js';
import type { Places } from './places.js';
import type { Written } from './replace-file.js';

export interface EditOutcome {
  profile: string;
  file: string;
  /** Absent when the text was left as it was. */
  written?: Written;
}

/**
 * Opens a profile in the user's editor.
 * @throws {ProfileFileError} for a text that cannot be used; it is kept, and the error says where
 * @throws {UnavailableError} without an editor
 */
export async function editProfile(
  name: string,
  places: Places,
  { project = false, from }: { project?: boolean; from?: string } = {},
): Promise<EditOutcome> {
  const editable = await editableFile(name, places, { project });
  const copy = join(mkdtempSync(join(tmpdir(), 'rlimit-edit-')), basename(editable.path));
  writeFileSync(copy, from === undefined ? editable.text : readProfileText(from), { mode: 0o600 });
  const outcome = { profile: name, file: editable.path };
  try {
    openEditor(copy, places.env);
    const text = readFileSync(copy, 'utf8');
    if (text === editable.text) {
      discard(copy);
      return outcome;
    }
    const written = await saveEdit(editable, readProfileText(copy), { name, places, shown: copy });
    discard(copy);
    return { ...outcome, written };
  } catch (error) {
    if (!(error instanceof RlimitError)) throw error;
    const option = project ? ['--project'] : [];
    error.why = [error.why, `Nothing was replaced. Your text is kept: ${copy}`]
      .filter(Boolean)
      .join(' ');
    error.remedy = shellLine(['rlimit', 'profile', 'edit', name, ...option, '--from', copy]);
    throw error;
  }
}

/** As git does it: the variable is a shell command, `code --wait` included. */
function openEditor(path: string, env: Places['env']): void {
  const editor = env.VISUAL || env.EDITOR || 'vi';
  const { status, signal, error } = spawnSync('sh', ['-c', `${editor} "$@"`, editor, path], {
    stdio: 'inherit',
  });
  if (error) throw new UnavailableError(`the editor could not be started: ${error.message}`);
  if (status === 127) {
    throw new UnavailableError(`the editor ${JSON.stringify(editor)} was not found`, {
      why: '$VISUAL and $EDITOR name the editor; without them it is vi.',
    });
  }
  if (status !== 0) {
    throw new UsageError(`the editor ended with ${signal ?? `exit status ${status}`}`);
  }
}

function discard(copy: string): void {
  rmSync(dirname(copy), { recursive: true, force: true });
}
