/**
 * What a plan has changed, on disk: the former state of every file, and the change that is under way.
 * One file, replaced as a whole, says all of it; contents are kept beside it by their checksums.
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { isGone } from '../cgroup/index.js';
import { UnavailableError } from '../errors/index.js';
import { printable } from '../text/index.js';
import { blobOf, type Hook, type State, syncFolder } from '../units/index.js';
import type { UnitWish } from './compile/types.js';

/** A path from one state to another. */
export interface Move {
  path: string;
  from: State;
  to: State;
}

/** A file that a plan has written. */
export interface Applied {
  path: string;
  /** Before the plan was applied for the first time. */
  was: State;
  ours: State;
}

/** A value of the kernel. */
export interface Value {
  name: string;
  was: string;
}

/** What of a plan is in place besides files. */
export interface Effects {
  values: Value[];
  /** Units that were started, and did not run before. */
  started: string[];
  /** Services that were started anew, and have to be once more when the files change back. */
  restarted: string[];
  /** Files that units of the plan have made. */
  made: string[];
}

export interface Journal {
  version: 1;
  plan: string;
  applied: Applied[];
  /** Folders that were made for them, below the root. */
  folders: string[];
  effects: Effects;
  /** Units that have limits of the plan: the kernel is to forget them with the files. */
  units: UnitWish[];
  /** A change that has begun. An apply that did not end is rolled back, a revert is finished. */
  open?: {
    kind: 'apply' | 'revert';
    moves: Move[];
    folders: string[];
    effects: Effects;
    units: UnitWish[];
  };
}

export const NO_EFFECTS: Effects = { values: [], started: [], restarted: [], made: [] };

export function emptyJournal(plan: string): Journal {
  return { version: 1, plan, applied: [], folders: [], effects: NO_EFFECTS, units: [] };
}

/** Whether nothing of the plan is in place. */
export function isEmpty({ applied, effects, open }: Journal): boolean {
  return (
    open === undefined &&
    applied.length === 0 &&
    Object.values(effects).every((each) => each.length === 0)
  );
}

/** A folder that holds the journal of one plan. */
export class JournalStore {
  constructor(
    readonly folder: string,
    readonly plan: string,
    private readonly hook: Hook = () => {},
  ) {}

  /**
   * The journal, or an empty one where nothing was applied.
   * @throws {UnavailableError} where it is there and cannot be understood: nothing may be overwritten then
   */
  load(): Journal {
    let text: string;
    try {
      text = readFileSync(this.#file(), 'utf8');
    } catch (error) {
      if (isGone(error)) return emptyJournal(this.plan);
      throw error;
    }
    try {
      const journal = JSON.parse(text) as Journal;
      if (journal.version === 1 && Array.isArray(journal.applied)) return journal;
    } catch {
      // Told below.
    }
    throw new UnavailableError(`${printable(this.#file())} cannot be understood`, {
      why: 'It tells what the files were before the plan was applied; without it there is no way back.',
      remedy: `look at it, and at the contents in ${printable(this.folder)}/blobs`,
    });
  }

  /** Replaces the journal, so that it lasts. */
  save(journal: Journal): void {
    this.hook('mkdir journal');
    mkdirSync(`${this.folder}/blobs`, { recursive: true, mode: 0o700 });
    this.#write(this.#file(), JSON.stringify(journal, null, 1), 'journal');
    syncFolder(this.folder);
  }

  /** Keeps a content. */
  keep(content: Buffer): string {
    const blob = blobOf(content);
    if (this.content(blob) === undefined) {
      mkdirSync(`${this.folder}/blobs`, { recursive: true, mode: 0o700 });
      this.#write(`${this.folder}/blobs/${blob}`, content, 'blob');
    }
    return blob;
  }

  /** A content that was kept; undefined for one that is missing or damaged. */
  content(blob: string): Buffer | undefined {
    if (!/^[0-9a-f]{64}$/.test(blob)) return undefined;
    try {
      const content = readFileSync(`${this.folder}/blobs/${blob}`);
      return blobOf(content) === blob ? content : undefined;
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }

  /** Forgets contents that the journal does not speak of any more; with an empty one all of it. */
  tidy(journal: Journal): void {
    if (isEmpty(journal)) {
      this.hook('rm journal');
      rmSync(this.folder, { recursive: true, force: true });
      return;
    }
    const states = [
      ...journal.applied.flatMap(({ was, ours }) => [was, ours]),
      ...(journal.open?.moves ?? []).flatMap(({ from, to }) => [from, to]),
    ];
    const used = new Set(states.flatMap((state) => (state.kind === 'file' ? [state.blob] : [])));
    for (const blob of readdirSync(`${this.folder}/blobs`)) {
      if (!used.has(blob)) rmSync(`${this.folder}/blobs/${blob}`, { force: true });
    }
  }

  #file(): string {
    return `${this.folder}/journal.json`;
  }

  #write(path: string, content: string | Buffer, what: string): void {
    const draft = `${path}.new`;
    this.hook(`draft ${what}`);
    const descriptor = openSync(draft, 'w', 0o600);
    try {
      writeFileSync(descriptor, content);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    this.hook(`rename ${what}`);
    renameSync(draft, path);
  }
}
