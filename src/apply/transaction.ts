/** Changes of files that happen as a whole: all of them, or, after a failure or a crash, none. */
import { printable } from '../text/index.js';
import {
  blobOf,
  clearDraft,
  type Hook,
  isSame,
  look,
  makeFolders,
  missingFolders,
  put,
  removeFolders,
  type State,
} from '../units/index.js';
import type { Compiled, PlannedFile } from './compile/types.js';
import {
  type Applied,
  type Effects,
  type Journal,
  type JournalStore,
  type Move,
  NO_EFFECTS,
} from './journal.js';

/** What is to change, and what stands in the way. */
export interface Draft {
  moves: Move[];
  /** The files of the plan afterwards. */
  applied: Applied[];
  /** Contents of the new states, by checksum. */
  contents: Map<string, Buffer>;
  /** Files that somebody changed since the plan was applied. */
  edited: string[];
  /** Links of somebody else where a file is to be written, and where they lead. */
  links: { path: string; target: string }[];
}

export interface Tree {
  /** What stands for `/`. */
  root: string;
  hook: Hook;
}

/** Compares the files of a plan with what is there. Reads, and changes nothing. */
export function draftApply(files: readonly PlannedFile[], journal: Journal, root: string): Draft {
  const draft: Draft = { moves: [], applied: [], contents: new Map(), edited: [], links: [] };
  for (const file of files) {
    const { state: now, content } = look(`${root}${file.path}`);
    if (content !== undefined) draft.contents.set(blobOf(content), content);
    const before = journal.applied.find(({ path }) => path === file.path);
    const to = wantedState(file, now, draft.contents);
    if (isSame(now, to)) {
      // Somebody else's already: it is not ours to take back.
      if (before !== undefined) draft.applied.push({ ...before, ours: to });
      continue;
    }
    if (before !== undefined && isEdited(before, now)) draft.edited.push(file.path);
    if (before === undefined && now.kind === 'link' && to.kind === 'file') {
      draft.links.push({ path: file.path, target: now.target });
    }
    draft.moves.push({ path: file.path, from: now, to });
    draft.applied.push({ path: file.path, was: before?.was ?? now, ours: to });
  }
  const gone = journal.applied.filter(({ path }) => files.every((file) => file.path !== path));
  addWayBack(draft, gone, root);
  return draft;
}

/** What takes everything back. */
export function draftRevert(journal: Journal, root: string): Draft {
  const draft: Draft = { moves: [], applied: [], contents: new Map(), edited: [], links: [] };
  addWayBack(draft, journal.applied, root);
  return draft;
}

function addWayBack(draft: Draft, applied: readonly Applied[], root: string): void {
  for (const entry of applied) {
    const { state: now, content } = look(`${root}${entry.path}`);
    if (content !== undefined) draft.contents.set(blobOf(content), content);
    if (isSame(now, entry.was)) continue;
    if (isEdited(entry, now)) draft.edited.push(entry.path);
    draft.moves.push({ path: entry.path, from: now, to: entry.was });
  }
}

/** Neither as the plan left it nor as it was. One that is gone is no work of anybody's. */
function isEdited({ was, ours }: Applied, now: State): boolean {
  return now.kind !== 'absent' && !isSame(now, ours) && !isSame(now, was);
}

/** A file that is there keeps its owner and its mode. */
function wantedState(file: PlannedFile, now: State, contents: Map<string, Buffer>): State {
  if (file.link) return { kind: 'link', target: file.content };
  const content = Buffer.from(file.content);
  const blob = blobOf(content);
  contents.set(blob, content);
  const { mode, uid, gid } =
    now.kind === 'file'
      ? now
      : { mode: 0o644, uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  return { kind: 'file', blob, mode, uid, gid };
}

/**
 * Makes the moves of a draft. The journal knows of all of them, and has every content, before the
 * first file changes.
 * @returns the journal with the change still open: `commit` or `rollBack` closes it
 * @throws whatever the file system says; `rollBack` or `recover` puts things right
 */
export function begin(
  draft: Draft,
  { units, folders: besides }: Pick<Compiled, 'units' | 'folders'>,
  store: JournalStore,
  { root, hook }: Tree,
): Journal {
  const journal = store.load();
  for (const content of draft.contents.values()) store.keep(content);
  const folders = [
    ...new Set(
      [
        ...draft.moves.filter(({ to }) => to.kind !== 'absent').map(({ path }) => path),
        ...besides.map((folder) => `${folder}/.`),
      ].flatMap((path) => missingFolders(`${root}${path}`)),
    ),
  ].map((folder) => folder.slice(root.length));
  const open = { kind: 'apply' as const, moves: draft.moves, folders, effects: NO_EFFECTS, units };
  const opened: Journal = { ...journal, open };
  store.save(opened);
  makeFolders(
    folders.map((folder) => `${root}${folder}`),
    hook,
  );
  for (const move of draft.moves)
    put(`${root}${move.path}`, move.to, contentOf(move.to, store), hook);
  return opened;
}

/** Notes what is done besides files, before it is done. */
export function noteEffects(journal: Journal, effects: Effects, store: JournalStore): Journal {
  if (journal.open === undefined) return journal;
  const noted = { ...journal, open: { ...journal.open, effects } };
  store.save(noted);
  return noted;
}

/** Closes a change that is done. With nothing of the plan left the journal goes as well. */
export function commit(
  journal: Journal,
  applied: readonly Applied[],
  store: JournalStore,
  tree: Tree,
): Journal {
  const { open, ...rest } = journal;
  if (open === undefined) return journal;
  const isAll = open.kind === 'revert';
  const folders = [...new Set([...rest.folders, ...open.folders])];
  const effects = isAll ? NO_EFFECTS : joined(rest.effects, open.effects);
  const units = isAll ? [] : open.units;
  const closed: Journal = { ...rest, applied: [...applied], folders, effects, units };
  if (isAll) {
    removeFolders(
      folders.map((folder) => `${tree.root}${folder}`),
      tree.hook,
    );
  }
  store.save(closed);
  store.tidy(closed);
  return closed;
}

/** Puts the files back that a change has touched, and forgets it. What somebody edited since stays. */
export function rollBack(
  journal: Journal,
  store: JournalStore,
  { root, hook }: Tree,
): { kept: string[] } {
  const { open, ...rest } = journal;
  if (open === undefined) return { kept: [] };
  const kept: string[] = [];
  for (const { path, from, to } of [...open.moves].reverse()) {
    clearDraft(`${root}${path}`);
    const now = look(`${root}${path}`).state;
    if (isSame(now, from)) continue;
    if (!isSame(now, to)) {
      kept.push(path);
      continue;
    }
    put(`${root}${path}`, from, contentOf(from, store), hook);
  }
  removeFolders(
    open.folders.map((folder) => `${root}${folder}`),
    hook,
  );
  store.save(rest);
  store.tidy(rest);
  return { kept };
}

/** Ends a revert that a crash cut short. Doing a move twice does no harm. */
export function finishRevert(
  journal: Journal,
  store: JournalStore,
  tree: Tree,
): { kept: string[] } {
  const { open } = journal;
  const kept: string[] = [];
  for (const { path, from, to } of open?.moves ?? []) {
    const full = `${tree.root}${path}`;
    clearDraft(full);
    const now = look(full).state;
    if (isSame(now, to)) continue;
    if (!isSame(now, from)) {
      kept.push(path);
      continue;
    }
    makeFolders(missingFolders(full), tree.hook);
    put(full, to, contentOf(to, store), tree.hook);
  }
  commit(journal, [], store, tree);
  return { kept };
}

function contentOf(state: State, store: JournalStore): Buffer | undefined {
  return state.kind === 'file' ? store.content(state.blob) : undefined;
}

function joined(a: Effects, b: Effects): Effects {
  const union = (left: readonly string[], right: readonly string[]) => [
    ...new Set([...left, ...right]),
  ];
  const values = [
    ...a.values,
    ...b.values.filter(({ name }) => a.values.every((each) => each.name !== name)),
  ];
  return {
    values,
    started: union(a.started, b.started),
    restarted: union(a.restarted, b.restarted),
    made: union(a.made, b.made),
  };
}

/** Text of a state for a difference: a link is told in words. */
export function textOf(state: State, contents: ReadonlyMap<string, Buffer>): string {
  if (state.kind === 'absent') return '';
  if (state.kind === 'link') return `symbolic link to ${printable(state.target)}\n`;
  return contents.get(state.blob)?.toString('utf8') ?? '';
}
