/** Looking at profiles for everything that is wrong with them. Loaded only by the verb that does. */
import { basename, dirname, resolve as resolvePath } from 'node:path';
import { ProfileFileError, RlimitError } from '../errors/index.js';
import type { Machine, Severity } from '../model/index.js';
import type { SourceFile } from './definition.js';
import { readDocument } from './document.js';
import { parseProfiles, readProfileText } from './file.js';
import { type Library, openLibrary } from './library.js';
import { allNames, loadFrom } from './load.js';
import { isProfileName } from './name.js';
import { findProjectFile, isThere, type Places, userFile } from './places.js';
import { resolve } from './resolve.js';

/** Something wrong with a profile. */
export interface ProfileProblem {
  /** `warning`: only on this machine, and only with a built-in profile. */
  severity: Severity;
  profile?: string;
  file?: string;
  line?: number;
  column?: number;
  message: string;
}

export interface ProfileCheck {
  /** Profiles and files that were looked at. */
  checked: string[];
  problems: ProfileProblem[];
}

/**
 * Checks profiles by name, files by path, or everything where nothing is named: whether the files
 * can be read, whether what they extend is there, and whether they resolve on a machine.
 */
export async function checkProfiles(
  targets: readonly string[],
  places: Places,
  machine: Machine,
): Promise<ProfileCheck> {
  const { library, problems, file } = await openForCheck(places);
  const names = targets.filter((target) => !isPath(target));
  const all = targets.length === 0 ? allNames(library) : names;
  const found = targets.length === 0 || names.length > 0 ? [...problems] : [];
  for (const name of all) found.push(...(await checkName(name, { library, places, machine })));
  const files = targets.filter(isPath);
  for (const path of files)
    found.push(...(await checkFile(resolvePath(places.cwd, path), machine, places)));
  const checked = [...(problems.length > 0 && file !== undefined ? [file] : []), ...all, ...files];
  return { checked, problems: withoutDoubles(found) };
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
  machine: Machine;
}

async function checkName(name: string, { library, places, machine }: Context) {
  const path = isProfileName(name) ? userFile(name, places) : undefined;
  const text = path !== undefined && isThere(path) ? textOf(path) : undefined;
  if (path !== undefined && text !== undefined) {
    const problems = parseProblems({ path, text, project: false }, name);
    if (problems.length > 0) return problems;
  }
  return checkLoaded(name, library, machine);
}

async function checkLoaded(
  name: string,
  library: Library,
  machine: Machine,
): Promise<ProfileProblem[]> {
  let severity: Severity = 'problem';
  try {
    const profile = await loadFrom(library, name);
    // A built-in profile with sizes of its own is not wrong because this machine is small.
    if (profile.layer === 'built-in') severity = 'warning';
    resolve(profile, machine);
    return [];
  } catch (error) {
    return [{ ...problemOf(error), severity, profile: name }];
  }
}

async function checkFile(
  path: string,
  machine: Machine,
  places: Places,
): Promise<ProfileProblem[]> {
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
    ? checkProjectFile(source, machine, places)
    : checkUserFile(source, name, machine, places);
}

async function checkProjectFile(source: SourceFile, machine: Machine, places: Places) {
  const library = await openLibrary({ ...places, cwd: dirname(source.path) }, { replace: source });
  const problems: ProfileProblem[] = [];
  for (const name of library.projectNames()) {
    problems.push(...(await checkLoaded(name, library, machine)));
  }
  return problems;
}

/** Any file can be tried as if it stood among the user's. */
async function checkUserFile(source: SourceFile, name: string, machine: Machine, places: Places) {
  const path = userFile(name, places);
  const replace = { ...source, path };
  const library = await openLibrary(places, { replace, project: false });
  const problems = await checkLoaded(name, library, machine);
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
    severity: 'problem',
    ...(name === '' ? {} : { profile: name }),
    file: source.path,
    ...(position === undefined ? {} : position),
    message,
  }));
}

function problemOf(error: unknown): ProfileProblem {
  if (error instanceof ProfileFileError) {
    const { file, detail, position = {} } = error;
    return { severity: 'problem', file, ...position, message: detail };
  }
  if (!(error instanceof RlimitError)) throw error;
  return { severity: 'problem', message: [error.message, error.why].filter(Boolean).join('. ') };
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
    problems.map((each) => [`${each.file ?? each.profile}:${each.line}:${each.message}`, each]),
  );
  return [...seen.values()];
}
