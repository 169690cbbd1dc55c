import { ProfileFileError } from '../errors/index.js';
import { builtIn } from './catalog.js';
import type { Definition, ProjectFile, SourceFile } from './definition.js';
import { findProjectFile, isThere, type Places, userFile, userNames } from './places.js';

export interface LibraryOptions {
  /** Whether the project file counts; true where it is not said. */
  project?: boolean;
  /** Text that stands in for a file's content: to try an edit before it is written. */
  replace?: SourceFile;
}

/** All profiles that can be seen from one place. */
export interface Library {
  /** What the layers say of a profile, lowest layer first; empty when there is none. */
  definitions(name: string): Promise<Definition[]>;
  /** Names in the user's directory. */
  userNames(): string[];
  /** Names in the project file. */
  projectNames(): string[];
  /** The project file that is in use. */
  projectFile?: string;
  /** Things to tell the user, as whole sentences: a project file that was not read. */
  remarks: readonly string[];
}

/**
 * Looks for profiles. A YAML parser is loaded only when there is a file to read: most runs use a
 * built-in profile alone, and start the faster for it.
 * @throws {ProfileFileError} for a project file that cannot be used
 */
export async function openLibrary(places: Places, options: LibraryOptions = {}): Promise<Library> {
  const { project = true, replace } = options;
  const found = project ? findProjectFile(places.cwd) : undefined;
  const path = replace?.project ? replace.path : found;
  const read = path === undefined ? undefined : await readProject(path, replace);
  const profiles = read?.profiles ?? new Map<string, Definition>();
  return {
    definitions: async (name) => {
      const body = builtIn(name);
      const user = await readUser(name, places, replace);
      const own = profiles.get(name);
      return [
        ...(body ? [{ name, layer: 'built-in' as const, body, positions: {} }] : []),
        ...(user ? [user] : []),
        ...(own ? [own] : []),
      ];
    },
    userNames: () => userNames(places),
    projectNames: () => [...profiles.keys()],
    ...(read?.skipped === undefined && path !== undefined ? { projectFile: path } : {}),
    remarks: read?.skipped === undefined ? [] : [read.skipped],
  };
}

async function readProject(path: string, replace?: SourceFile): Promise<ProjectFile> {
  const { readProjectFile } = await import('./file.js');
  return readProjectFile(path, replace?.path === path ? replace.text : undefined);
}

async function readUser(
  name: string,
  places: Places,
  replace?: SourceFile,
): Promise<Definition | undefined> {
  const path = userFile(name, places);
  const text = replace?.path === path ? replace.text : undefined;
  if (text === undefined && !isThere(path)) return undefined;
  const { readUserFile } = await import('./file.js');
  return readUserFile(path, name, text);
}

/** The place of a value in its file, as an error shows it. */
export function errorAt(definition: Definition, key: string, detail: string): ProfileFileError {
  return new ProfileFileError(
    definition.file ?? `built-in profile ${definition.name}`,
    detail,
    definition.positions[key],
  );
}
