import { UnknownNameError } from '../errors/index.js';
import type { JobModel, Layer, Origin, Profile } from '../model/index.js';
import { printable } from '../text/index.js';
import { JOBS, type ProfileBody } from './body.js';
import { BUILT_IN_NAMES } from './catalog.js';
import type { Definition } from './definition.js';
import { errorAt, type Library, type LibraryOptions, openLibrary } from './library.js';
import { isProfileName } from './name.js';
import { type Places, processPlaces } from './places.js';

/** A profile, and what the user should be told about how it came to be. */
export interface LoadedProfile extends Profile {
  /** Whole sentences for stderr: what a project file contributed, or that it was not read. */
  remarks: string[];
}

/**
 * Finds a profile: project file over user's file over built-in, each laid over the one below key
 * by key, or over what it `extends`.
 * @throws {UnknownNameError} with the nearest names
 * @throws {ProfileFileError} for a file that cannot be used, and for profiles that extend each other
 */
export async function loadProfile(
  name: string,
  places: Places = processPlaces(),
  options: LibraryOptions = {},
): Promise<LoadedProfile> {
  const library = await openLibrary(places, options);
  const profile = await loadFrom(library, name);
  const remark = projectRemark(profile);
  return { ...profile, remarks: [...library.remarks, ...(remark === undefined ? [] : [remark])] };
}

/** The same from a library that is open already. */
export async function loadFrom(library: Library, name: string): Promise<Profile> {
  if (!isProfileName(name)) throw unknown(name, library);
  const draft = await build(library, name, undefined, []);
  const { definition, body } = draft;
  return {
    name,
    layer: definition.layer,
    ...(definition.file === undefined ? {} : { file: definition.file }),
    summary: body.summary ?? '',
    ...(body.why === undefined ? {} : { why: body.why }),
    lineage: draft.lineage,
    limits: body.limits,
    ...withJobs(draft),
    ...(body.onStall === undefined ? {} : { onStall: body.onStall }),
    ...(body.beside === undefined ? {} : { beside: body.beside }),
    ...(body.lintIgnore === undefined ? {} : { lintIgnore: body.lintIgnore }),
    environment: body.environment,
    origins: draft.origins,
  };
}

/** One line for a profile in a list, or what is wrong with it. */
export interface ProfileEntry {
  name: string;
  /** The highest layer that says something of it. */
  layer: Layer;
  summary: string;
  file?: string;
  /** Why it cannot be used. */
  problem?: string;
}

/**
 * Lists all profiles by name. One that cannot be used is listed with the reason.
 * @throws {ProfileFileError} for a project file that cannot be used
 */
export async function listProfiles(
  places: Places = processPlaces(),
  options: LibraryOptions = {},
): Promise<{ profiles: ProfileEntry[]; remarks: string[] }> {
  const library = await openLibrary(places, options);
  const names = allNames(library);
  const profiles = await Promise.all(names.map((name) => entry(library, name)));
  return { profiles, remarks: [...library.remarks] };
}

/**
 * Names of all profiles, in alphabetical order, for completion: none are read but the project's.
 * @throws {ProfileFileError} for a project file that cannot be used
 */
export async function listProfileNames(places: Places = processPlaces()): Promise<string[]> {
  return allNames(await openLibrary(places));
}

/** Every name in any layer, in alphabetical order. */
export function allNames(library: Library): string[] {
  const names = new Set([...BUILT_IN_NAMES, ...library.userNames(), ...library.projectNames()]);
  return [...names].sort();
}

/** Keys that change nothing about a run. */
const NO_EFFECT = ['summary', 'why', 'beside', 'lint-ignore'];

/**
 * What a project file says of a profile, in one sentence; undefined when it says nothing. A project
 * file arrives with somebody's repository, so its say is never silent.
 */
function projectRemark(profile: Profile): string | undefined {
  const own = Object.entries(profile.origins).filter(([, origin]) => origin.layer === 'project');
  const file = own[0]?.[1].file;
  if (file === undefined) return undefined;
  const told = own.map(([key]) => key).filter((key) => !NO_EFFECT.includes(key));
  const keys = told.map((key) => (isRemoved(profile, key) ? `no ${short(key)}` : short(key)));
  return keys.length === 0
    ? undefined
    : `${printable(file)} sets ${keys.join(', ')} of ${profile.name}`;
}

async function entry(library: Library, name: string): Promise<ProfileEntry> {
  try {
    const { layer, summary, file } = await loadFrom(library, name);
    return { name, layer, summary, ...(file === undefined ? {} : { file }) };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    const layer = library.projectNames().includes(name) ? 'project' : 'user';
    return { name, layer, summary: '', problem };
  }
}

/** A profile while its layers are laid over each other. */
interface Draft {
  /** The highest definition. */
  definition: Definition;
  body: ProfileBody;
  lineage: string[];
  origins: Record<string, Origin>;
}

/** What is being built at the moment: a profile seen from above a certain layer. */
interface Step {
  definition: Definition;
}

/**
 * Builds a profile from its highest definition below a layer.
 * @param below definitions of the same name that count: those under this one; all when undefined
 * @param steps what is being built, outermost first, for finding circles
 */
async function build(
  library: Library,
  name: string,
  below: Definition | undefined,
  steps: readonly Step[],
): Promise<Draft> {
  const all = isProfileName(name) ? await library.definitions(name) : [];
  const index = below ? all.findIndex(({ layer }) => layer === below.layer) : all.length;
  const definition = all[index - 1];
  if (!definition) throw missing(library, name, below, steps);
  if (steps.some((step) => same(step.definition, definition))) throw circle(definition, steps);
  const parent = definition.body.extends ?? (index > 1 ? name : undefined);
  if (parent === undefined) return overlay(undefined, definition);
  const own = parent === name ? definition : undefined;
  return overlay(await build(library, parent, own, [...steps, { definition }]), definition);
}

function same(a: Definition, b: Definition): boolean {
  return a.name === b.name && a.layer === b.layer;
}

function missing(
  library: Library,
  name: string,
  below: Definition | undefined,
  steps: readonly Step[],
): Error {
  const from = steps.at(-1)?.definition;
  if (!from) return unknown(name, library);
  if (below) {
    return errorAt(from, 'extends', `extends itself, and no layer below has a profile ${name}`);
  }
  const error = unknown(name, library);
  const hint =
    error.suggestions.length > 0 ? `; did you mean ${error.suggestions.join(', ')}?` : '';
  return errorAt(from, 'extends', `extends ${JSON.stringify(name)}, which does not exist${hint}`);
}

function circle(definition: Definition, steps: readonly Step[]): Error {
  const start = steps.findIndex((step) => same(step.definition, definition));
  const circled = steps.slice(start).map((step) => step.definition);
  const names = circled.map(({ name }) => name);
  const trail = [...names, definition.name].join(' → ');
  // A built-in profile is never what has to be mended.
  const guilty = circled.findLast(({ file }) => file !== undefined) ?? definition;
  return errorAt(guilty, 'extends', `extends goes round: ${trail}`);
}

function unknown(name: string, library: Library): UnknownNameError {
  return new UnknownNameError('profile', name, allNames(library), {
    remedy: 'rlimit profile list',
  });
}

/** Lays a definition over what it builds on, key by key. */
function overlay(base: Draft | undefined, definition: Definition): Draft {
  const { body, positions, name, layer, file } = definition;
  const keys = [
    ...(body.summary === undefined ? [] : ['summary']),
    ...(body.why === undefined ? [] : ['why']),
    ...Object.keys(body.limits).map((key) => `limits.${key}`),
    ...Object.keys(body.jobs).map((key) => `jobs.${key === 'onDanger' ? 'on-danger' : key}`),
    ...(body.onStall === undefined ? [] : ['on-stall']),
    ...(body.beside === undefined ? [] : ['beside']),
    ...(body.lintIgnore === undefined ? [] : ['lint-ignore']),
    ...Object.keys(body.environment).map((key) => `environment.${key}`),
  ];
  const origin = (key: string): Origin => ({
    layer,
    profile: name,
    ...(file === undefined ? {} : { file }),
    ...positions[key],
  });
  const summary = body.summary ?? base?.body.summary;
  const why = body.why ?? base?.body.why;
  const onStall = body.onStall ?? base?.body.onStall;
  const beside = body.beside ?? base?.body.beside;
  const lintIgnore = body.lintIgnore ?? base?.body.lintIgnore;
  return {
    definition,
    body: {
      ...(summary === undefined ? {} : { summary }),
      ...(why === undefined ? {} : { why }),
      limits: merge(base?.body.limits, body.limits),
      jobs: { ...base?.body.jobs, ...body.jobs },
      ...(onStall === undefined ? {} : { onStall }),
      ...(beside === undefined ? {} : { beside }),
      ...(lintIgnore === undefined ? {} : { lintIgnore }),
      environment: merge(base?.body.environment, body.environment),
    },
    lineage: base ? [base.definition.name, ...base.lineage] : [],
    origins: { ...base?.origins, ...Object.fromEntries(keys.map((key) => [key, origin(key)])) },
  };
}

/** Later values win; an empty one takes the inherited value away. */
function merge(
  base: Readonly<Record<string, string>> = {},
  own: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries({ ...base, ...own }).filter(([, value]) => value !== ''),
  );
}

/** Completes the job model, and makes sure that what needs one has one. */
function withJobs({ definition, body }: Draft): { jobs?: JobModel } {
  const { memory, cores = 1, pick = 'low', processes = [], ...rest } = body.jobs;
  if (memory) return { jobs: { memory, cores, pick, processes, ...rest } };
  if (Object.keys(body.jobs).length > 0) {
    throw errorAt(definition, 'jobs', 'jobs needs memory, such as memory: 2G-4G');
  }
  const needing = Object.entries(body.environment).find(([, value]) => value.includes(JOBS));
  if (!needing) return {};
  const key = `environment.${needing[0]}`;
  throw errorAt(definition, key, `${needing[0]} uses \${jobs}, but the profile has no jobs`);
}

function isRemoved(profile: Profile, key: string): boolean {
  const [section, name = ''] = split(key);
  if (section === 'limits') return !Object.hasOwn(profile.limits, name);
  return section === 'environment' && !Object.hasOwn(profile.environment, name);
}

/** `limits.MemoryMax` → `MemoryMax`; `jobs.pick` and `on-stall` stay. */
function short(key: string): string {
  const [section, name = ''] = split(key);
  return section === 'jobs' || name === '' ? key : name;
}

function split(key: string): [string, string] {
  const [section = '', ...name] = key.split('.');
  return [section, name.join('.')];
}
