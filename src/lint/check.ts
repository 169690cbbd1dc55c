/** Looking at profiles for everything that is wrong with them. Loaded only by the verb that does. */
import { basename, dirname, resolve as resolvePath } from 'node:path';
import type { SourceFile } from '../profiles/definition.js';
import { readDocument } from '../profiles/document.js';
import { parseProfiles, readProfileText } from '../profiles/file.js';
import { type Library, openLibrary } from '../profiles/library.js';
import { allNames } from '../profiles/load.js';
import { isProfileName } from '../profiles/name.js';
import { findProjectFile, isThere, type Places, userFile } from '../profiles/places.js';
import {
  checkLoaded,
  checkTogether,
  type Facts,
  type ProfileProblem,
  problemOf,
} from './loaded.js';

export interface ProfileCheck {
  /** Profiles and files that were looked at. */
  checked: string[];
  problems: ProfileProblem[];
}

/**
 * Checks profiles by name, files by path, or everything where nothing is named: whether the files
 * can be read, whether what they extend is there, and what the lints say of them on a machine.
 * Naming several by name says that they run side by side: their caps are added up.
 */
export async function checkProfiles(
  targets: readonly string[],
  places: Places,
  facts: Facts,
): Promise<ProfileCheck> {
  const { library, problems, file } = await openForCheck(places);
  const names = targets.filter((target) => !isPath(target));
  const all = targets.length === 0 ? allNames(library) : names;
  const found = targets.length === 0 || names.length > 0 ? [...problems] : [];
  for (const name of all) found.push(...(await checkName(name, { library, places, facts })));
  if (names.length > 1) found.push(...(await checkTogether(names, library, facts)));
  const files = targets.filter(isPath);
  for (const path of files)
    found.push(...(await checkFile(resolvePath(places.cwd, path), facts, places)));
  const checked = [...(problems.length > 0 && file !== undefined ? [file] : []), ...all, ...files];
  return { checked, problems: withoutDoubles(found) };
}

/** Checks the text of a profile of the user's as if it stood in its file. */
export async function checkText(
  name: string,
  text: string,
  places: Places,
  facts: Facts,
): Promise<ProfileProblem[]> {
  const source = { path: userFile(name, places), text, project: false };
  const problems = parseProblems(source, name);
  return problems.length > 0 ? problems : checkUserFile(source, name, facts, places);
}

function isPath(target: string): boolean {
  return target.includes('/') || /\.ya?ml$/.test(target);
}

/** A project file that cannot be used is one problem, and does not hide what the others have. */
async function openForCheck(
  places: Places,
): Promise<{ library: Library; problems: ProfileProblem[]; file?: string }> {
  const file = findProjectFile(places.cwd);
  try {
    return { library: await openLibrary(places), problems: [] };
  } catch (error) {
    const library = await openLibrary(places, { project: false });
    const text = file === undefined ? undefined : textOf(file);
    const problems =
      file === undefined || text === undefined
        ? [problemOf(error)]
        : parseProblems({ path: file, text, project: true });
    return { library, problems, ...(file === undefined ? {} : { file }) };
  }
}

interface Context {
  library: Library;
  places: Places;
  facts: Facts;
}

async function checkName(name: string, { library, places, facts }: Context) {
  const path = isProfileName(name) ? userFile(name, places) : undefined;
  const text = path !== undefined && isThere(path) ? textOf(path) : undefined;
  if (path !== undefined && text !== undefined) {
    const problems = parseProblems({ path, text, project: false }, name);
    if (problems.length > 0) return problems;
  }
  return checkLoaded(name, library, facts);
}

async function checkFile(path: string, facts: Facts, places: Places): Promise<ProfileProblem[]> {
  let text: string;
  try {
    text = readProfileText(path);
  } catch (error) {
    return [problemOf(error)];
  }
  const name = basename(path).replace(/\.ya?ml$/, '');
  const source = { path, text, project: isProjectText(text) };
  const problems = parseProblems(source, name);
  if (problems.length > 0) return problems;
  if (!source.project && !isProfileName(name)) return [];
  return source.project
    ? checkProjectFile(source, facts, places)
    : checkUserFile(source, name, facts, places);
}

async function checkProjectFile(source: SourceFile, facts: Facts, places: Places) {
  const library = await openLibrary({ ...places, cwd: dirname(source.path) }, { replace: source });
  const problems: ProfileProblem[] = [];
  for (const name of library.projectNames()) {
    problems.push(...(await checkLoaded(name, library, facts)));
  }
  return problems;
}

/** Any file can be tried as if it stood among the user's. */
async function checkUserFile(source: SourceFile, name: string, facts: Facts, places: Places) {
  const path = userFile(name, places);
  const replace = { ...source, path };
  const library = await openLibrary(places, { replace, project: false });
  const problems = await checkLoaded(name, library, facts);
  return problems.map((each) => (each.file === path ? { ...each, file: source.path } : each));
}

/** Profiles by name, or one profile: the content tells, since a path may be any. */
function isProjectText(text: string): boolean {
  const located = readDocument(text);
  const data = 'problems' in located ? undefined : located.data;
  return typeof data === 'object' && data !== null && Object.hasOwn(data, 'profiles');
}

function parseProblems(source: SourceFile, name = ''): ProfileProblem[] {
  const parsed = parseProfiles(source, name);
  if (!('problems' in parsed)) return [];
  return parsed.problems.map(({ message, position }) => ({
    id: 'profile-file',
    severity: 'problem',
    ...(name === '' ? {} : { profile: name }),
    file: source.path,
    ...(position === undefined ? {} : position),
    message,
  }));
}

function textOf(path: string): string | undefined {
  try {
    return readProfileText(path);
  } catch {
    return undefined;
  }
}

function withoutDoubles(problems: readonly ProfileProblem[]): ProfileProblem[] {
  const seen = new Map(
    problems.map((each) => [
      `${each.file ?? each.profile ?? each.profiles?.join()}:${each.line}:${each.message}`,
      each,
    ]),
  );
  return [...seen.values()];
}
