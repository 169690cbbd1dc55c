/** Making, changing and deleting profiles. Loaded only by the verbs that do. */
import { join } from 'node:path';
import { ProfileFileError, UnknownNameError, UsageError } from '../errors/index.js';
import { builtIn } from './catalog.js';
import { parseProfiles, readProfileText } from './file.js';
import { openLibrary } from './library.js';
import { allNames, loadFrom } from './load.js';
import { requireProfileName } from './name.js';
import { findProjectFile, isThere, type Places, PROJECT_FILE, userFile } from './places.js';
import { removeFile, replaceFile, type Written } from './replace-file.js';
import { type Draft, draftData, projectTemplate, userTemplate } from './template.js';
import { checkWish } from './wish.js';

export interface CreateOptions {
  extends?: string;
  summary?: string;
  limits?: Readonly<Record<string, string>>;
  /** Write it into the project file instead of the user's directory. */
  project?: boolean;
  /** Replace one that is there; it is kept as a backup. */
  force?: boolean;
}

/**
 * Writes a new profile. Without `extends` it is laid over the built-in one of its name, or extends
 * `default` where there is none.
 * @throws {UsageError} for a bad name or value, and for a profile that is there already
 * @throws {UnavailableError} when the file cannot be written
 */
export async function createProfile(
  name: string,
  places: Places,
  options: CreateOptions = {},
): Promise<Written> {
  requireProfileName(name);
  const { limits = {}, force = false, project = false } = options;
  for (const [property, wish] of Object.entries(limits)) {
    if (wish.trim() !== '') checkWish(property, wish);
  }
  const parent = options.extends ?? (builtIn(name) ? undefined : 'default');
  const inherited = await inheritedLimits(name, parent, places);
  const draft: Draft = {
    name,
    limits,
    inherited,
    ...(options.summary === undefined ? {} : { summary: options.summary }),
    ...(parent === undefined ? {} : { extends: parent }),
  };
  const source = project
    ? projectSource(draft, places, force)
    : { path: userFile(name, places), text: userTemplate(draft), project };
  await tryOut(source, [name], places);
  const overwrite = force || (project && isThere(source.path));
  return replaceFile(source.path, source.text, { overwrite });
}

/** What a new profile would have without values of its own; one that is there now does not count. */
async function inheritedLimits(name: string, parent: string | undefined, places: Places) {
  const blank = { path: userFile(name, places), text: 'limits: {}', project: false };
  const options = parent === undefined || parent === name ? { replace: blank } : {};
  const library = await openLibrary(places, { ...options, project: false });
  return (await loadFrom(library, parent ?? name)).limits;
}

/** A file that can be edited as a whole. */
export interface Editable {
  path: string;
  text: string;
  project: boolean;
  /** Whether the file is there; else `text` is a proposal. */
  isNew: boolean;
}

/**
 * Finds the file to edit a profile in: the user's, or the project's where it alone has the profile
 * or is asked for. A built-in profile gets a file of the user's that is laid over it.
 * @throws {UnknownNameError} for a profile that does not exist
 */
export async function editableFile(
  name: string,
  places: Places,
  { project = false }: { project?: boolean } = {},
): Promise<Editable> {
  requireProfileName(name);
  const path = userFile(name, places);
  const inProject = findProjectFile(places.cwd);
  if (project || (!isThere(path) && !builtIn(name) && inProject !== undefined)) {
    if (inProject === undefined) throw noProject();
    return { path: inProject, text: readProfileText(inProject), project: true, isNew: false };
  }
  if (isThere(path)) return { path, text: readProfileText(path), project: false, isNew: false };
  const body = builtIn(name);
  if (!body) {
    const names = allNames(await openLibrary(places));
    throw new UnknownNameError('profile', name, names, {
      remedy: `rlimit profile create ${name}`,
    });
  }
  const inherited = (await loadFrom(await openLibrary(places, { project: false }), name)).limits;
  const text = userTemplate({ name, limits: {}, inherited });
  return { path, text, project: false, isNew: true };
}

/**
 * Puts an edited text into place, once it has been seen to be good.
 * @param shown the path under which the user sees the text, for errors
 * @throws {ProfileFileError} for a text that cannot be used
 * @throws {UsageError} when the file was changed by somebody else meanwhile
 */
export async function saveEdit(
  { path, text: before, project, isNew }: Editable,
  text: string,
  { name, places, shown }: { name: string; places: Places; shown: string },
): Promise<Written> {
  try {
    await tryOut({ path, text, project }, project ? [] : [name], places);
  } catch (error) {
    if (error instanceof ProfileFileError && error.file === path) {
      throw new ProfileFileError(shown, error.detail, error.position);
    }
    throw error;
  }
  if (isNew ? isThere(path) : readProfileText(path) !== before) {
    throw new UsageError(`${path} was changed by somebody else meanwhile`, {
      why: 'Nothing was replaced.',
    });
  }
  return replaceFile(path, text, { overwrite: !isNew });
}

/** What a deletion has done. */
export interface Deleted {
  file: string;
  backup: string;
  /** The layer whose profile of that name counts from now on. */
  uncovers?: 'built-in' | 'user';
  /** Profiles that cannot be used any more, since they extended it. */
  orphans: string[];
}

/**
 * Deletes a profile of the user's, or of the project's.
 * @throws {UsageError} for a built-in profile
 * @throws {UnknownNameError} for one that does not exist
 */
export async function deleteProfile(
  name: string,
  places: Places,
  { project = false }: { project?: boolean } = {},
): Promise<Deleted> {
  requireProfileName(name);
  const path = userFile(name, places);
  const { file, backup } = project
    ? deleteFromProject(name, places)
    : isThere(path)
      ? { file: path, backup: removeFile(path) }
      : await refuseToDelete(name, places);
  const uncovers = project && isThere(path) ? 'user' : builtIn(name) ? 'built-in' : undefined;
  const orphans = await orphansOf(name, places);
  return { file, backup, ...(uncovers === undefined ? {} : { uncovers }), orphans };
}

async function refuseToDelete(name: string, places: Places): Promise<never> {
  const library = await openLibrary(places);
  if (library.projectNames().includes(name)) {
    throw new UsageError(`profile ${name} is the project's`, {
      why: `It stands in ${library.projectFile}.`,
      remedy: `rlimit profile delete ${name} --project`,
    });
  }
  if (builtIn(name)) {
    throw new UsageError(`profile ${name} is built in and cannot be deleted`, {
      remedy: `rlimit profile edit ${name}`,
    });
  }
  throw new UnknownNameError('profile', name, allNames(library), { remedy: 'rlimit profile list' });
}

function deleteFromProject(name: string, places: Places): { file: string; backup: string } {
  const file = findProjectFile(places.cwd);
  if (file === undefined) throw noProject();
  const text = readProfileText(file);
  const { located, definitions } = goodProject(file, text);
  if (!definitions.some((each) => each.name === name)) {
    const names = definitions.map((each) => each.name);
    throw new UnknownNameError('profile', name, names, { why: `${file} does not have it.` });
  }
  located.document.deleteIn(['profiles', name]);
  const { backup = '' } = replaceFile(file, String(located.document), { overwrite: true });
  return { file, backup };
}

async function orphansOf(name: string, places: Places): Promise<string[]> {
  const library = await openLibrary(places);
  const orphans: string[] = [];
  for (const each of allNames(library)) {
    const parents = await library.definitions(each).catch(() => []);
    if (!parents.some(({ body }) => body.extends === name)) continue;
    const works = await loadFrom(library, each).then(
      () => true,
      () => false,
    );
    if (!works) orphans.push(each);
  }
  return orphans;
}

/** Makes sure that profiles could be loaded if the text stood in the file. */
async function tryOut(
  source: { path: string; text: string; project: boolean },
  names: readonly string[],
  places: Places,
): Promise<void> {
  const library = await openLibrary(places, { replace: source, project: source.project });
  for (const name of source.project ? library.projectNames() : names) await loadFrom(library, name);
}

function projectSource(draft: Draft, places: Places, force: boolean) {
  const path = findProjectFile(places.cwd) ?? join(places.cwd, PROJECT_FILE);
  if (!isThere(path)) return { path, text: projectTemplate(draft), project: true };
  const { located, definitions } = goodProject(path, readProfileText(path));
  if (!force && definitions.some(({ name }) => name === draft.name)) {
    throw new UsageError(`${path} has a profile ${draft.name} already`, {
      remedy: `rlimit profile edit ${draft.name} --project, or --force`,
    });
  }
  const { document } = located;
  if (definitions.length === 0) document.set('profiles', document.createNode({}));
  document.setIn(['profiles', draft.name], document.createNode(draftData(draft)));
  return { path, text: document.toString({ lineWidth: 0 }), project: true };
}

function goodProject(path: string, text: string) {
  const parsed = parseProfiles({ path, text, project: true });
  if (!('problems' in parsed)) return parsed;
  const [first] = parsed.problems;
  throw new ProfileFileError(path, first?.message ?? 'cannot be read', first?.position);
}

function noProject(): UsageError {
  return new UsageError(`there is no ${PROJECT_FILE} here or in a directory above`, {
    remedy: 'rlimit profile create NAME --project',
  });
}
