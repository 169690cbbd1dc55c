/** Files as they are and as they are to be: read, compared, and put in place by rename. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import { isGone } from '../cgroup/index.js';
import { UnavailableError } from '../errors/index.js';
import { printable } from '../text/index.js';

/** What stands at a path. The content of a file is kept by its checksum (SHA-256). */
export type State =
  | { kind: 'absent' }
  | {
      kind: 'file';
      blob: string;
      mode: number;
      uid: number;
      gid: number;
      /** Seconds since the epoch; absent for a content that is new. It decides nothing. */
      mtime?: number;
    }
  | { kind: 'link'; target: string };

/** A state with the content, where it is a file. */
export interface Seen {
  state: State;
  content?: Buffer;
}

/** Called before each change of the file system, with what it is: tests end the machine there. */
export type Hook = (step: string) => void;

export function blobOf(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex');
}

/**
 * What stands at a path now.
 * @throws {UnavailableError} for what is neither a file nor a link, or cannot be read
 */
export function look(path: string): Seen {
  try {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return { state: { kind: 'absent' } };
    if (stats.isSymbolicLink()) return { state: { kind: 'link', target: readlinkSync(path) } };
    if (!stats.isFile()) throw new UnavailableError(`${printable(path)} is not a regular file`);
    const content = readFileSync(path);
    const { uid, gid, mtimeMs } = stats;
    return {
      state: {
        kind: 'file',
        blob: blobOf(content),
        mode: stats.mode & 0o7777,
        uid,
        gid,
        mtime: mtimeMs / 1000,
      },
      content,
    };
  } catch (error) {
    if (isGone(error)) return { state: { kind: 'absent' } };
    throw error;
  }
}

/** Owners count only for root: others cannot give files away, nor choose their group. */
export function isSame(a: State, b: State): boolean {
  if (a.kind === 'file' && b.kind === 'file') {
    const isOwnerSame = process.geteuid?.() !== 0 || (a.uid === b.uid && a.gid === b.gid);
    return a.blob === b.blob && a.mode === b.mode && isOwnerSame;
  }
  if (a.kind === 'link' && b.kind === 'link') return a.target === b.target;
  return a.kind === b.kind && a.kind === 'absent';
}

/** The name under which new content waits: of one form, so that what a crash left is found again. */
function draftOf(path: string): string {
  return `${dirname(path)}/.${basename(path)}.rlimit-new`;
}

/**
 * Puts a state in place: all of it or nothing, also through a power cut. Its folder must be there.
 * @param content of a file
 */
export function put(path: string, state: State, content: Buffer | undefined, hook: Hook): void {
  const draft = draftOf(path);
  if (state.kind === 'absent') {
    hook(`unlink ${path}`);
    rmSync(path, { force: true });
    syncFolder(dirname(path));
    return;
  }
  clearDraft(path);
  hook(`draft ${path}`);
  if (state.kind === 'link') {
    symlinkSync(state.target, draft);
  } else {
    if (content === undefined || blobOf(content) !== state.blob) {
      throw new UnavailableError(
        `the kept content of ${printable(path)} is damaged: nothing was put there`,
      );
    }
    writeDraft(draft, state, content, path);
  }
  hook(`rename ${path}`);
  renameSync(draft, path);
  syncFolder(dirname(path));
}

/**
 * Access control lists, extended attributes and a security label of the file that is replaced go over to
 * the new one (cp(1); Node has no calls for them). Without cp, or where the file system has none of them,
 * there is nothing to be done.
 */
function copyAttributes(from: string, to: string): void {
  if (lstatSync(from, { throwIfNoEntry: false })?.isFile() !== true) return;
  // What cannot be kept of all is passed over; by its own name it would be an error.
  const argv = ['--attributes-only', '--preserve=all', '--', from, to];
  spawnSync('cp', argv, { stdio: 'ignore' });
}

function writeDraft(
  draft: string,
  state: Extract<State, { kind: 'file' }>,
  content: Buffer,
  former: string,
): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const descriptor = openSync(draft, flags, 0o600);
  try {
    writeFileSync(descriptor, content);
    copyAttributes(former, draft);
    if (process.geteuid?.() === 0) fchownSync(descriptor, state.uid, state.gid);
    fchmodSync(descriptor, state.mode);
    const now = Date.now() / 1000;
    futimesSync(descriptor, now, state.mtime ?? now);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Takes away what a crash left beside a path. */
export function clearDraft(path: string): void {
  rmSync(draftOf(path), { force: true });
}

/** The folders of a path that are missing, outermost first. */
export function missingFolders(path: string): string[] {
  const missing: string[] = [];
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    if (lstatSync(folder, { throwIfNoEntry: false }) !== undefined) break;
    missing.unshift(folder);
  }
  return missing;
}

export function makeFolders(folders: readonly string[], hook: Hook): void {
  for (const folder of folders) {
    hook(`mkdir ${folder}`);
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    syncFolder(dirname(folder));
  }
}

/** Takes folders away again, the innermost first. One in which something else is stays. */
export function removeFolders(folders: readonly string[], hook: Hook): void {
  for (const folder of [...folders].sort((a, b) => b.length - a.length)) {
    hook(`rmdir ${folder}`);
    try {
      rmdirSync(folder);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && !isGone(error)) throw error;
    }
  }
}

/** Makes names last as well as contents. Some file systems cannot; they do not need it. */
export function syncFolder(path: string): void {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    fsyncSync(descriptor);
  } catch {
    // EINVAL: a directory cannot be synced here.
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
