/** The lints of profiles as they are found, each with its place in a file. */
import { ProfileFileError, RlimitError, UnknownNameError } from '../errors/index.js';
import type { Machine, Profile, Severity } from '../model/index.js';
import type { Library } from '../profiles/library.js';
import { loadFrom } from '../profiles/load.js';
import { writtenLimits } from '../profiles/resolve.js';
import { type Capped, lintCaps } from './caps.js';
import { isIgnored, LINT_IDS, lintProfile } from './lint.js';
import type { Lint } from './subject.js';

/** What is known of the computer. */
export interface Facts {
  machine: Machine;
  /** Whose user manager it is about; for remedies. */
  uid?: number;
}

/** Something wrong with a profile. */
export interface ProfileProblem {
  /** Name of the lint (`--explain` tells more of it), or of the failure. */
  id: string;
  /** `warning`: it may be meant; or a built-in profile does not suit this machine. */
  severity: Severity;
  profile?: string;
  /** Where it is about several together. */
  profiles?: string[];
  file?: string;
  line?: number;
  column?: number;
  message: string;
  why?: string;
  /** The edit or command that mends it. */
  remedy?: string;
}

/** Everything that is wrong with a profile of a library. */
export async function checkLoaded(
  name: string,
  library: Library,
  { machine, uid }: Facts,
): Promise<ProfileProblem[]> {
  const profile = await attempt(() => loadFrom(library, name));
  if ('problem' in profile) return [{ ...profile.problem, profile: name }];
  const lints = await attempt(() => lintProfile(profile.value, machine, uid));
  const found =
    'problem' in lints
      ? [{ ...lints.problem, severity: unless(profile.value), profile: name }]
      : lints.value.map((lint) => placed(lint, profile.value));
  return [
    ...found,
    ...unknownLints(profile.value),
    ...(await checkBeside(profile.value, library, machine)),
  ];
}

/** Whether profiles that are named together fit beside each other. */
export async function checkTogether(
  names: readonly string[],
  library: Library,
  { machine }: Facts,
): Promise<ProfileProblem[]> {
  const loaded = await loadAll([...new Set(names)], library);
  const isKnown = loaded.some(({ lintIgnore = [] }) => lintIgnore.includes('sum-of-caps'));
  const lint = isKnown ? undefined : lintCaps(await cappedOf(loaded, machine), machine);
  if (lint === undefined || isToldOf(loaded)) return [];
  const { key: _, ...told } = lint;
  return [{ ...told, profiles: loaded.map(({ name }) => name) }];
}

/** `beside` of one of them names all the others, and so has told of them already. */
function isToldOf(profiles: readonly Profile[]): boolean {
  return profiles.some(({ name, beside = [] }) =>
    profiles.every((other) => other.name === name || beside.includes(other.name)),
  );
}

/** The profile with those that it says it runs beside. */
async function checkBeside(
  profile: Profile,
  library: Library,
  machine: Machine,
): Promise<ProfileProblem[]> {
  const others = (profile.beside ?? []).filter((name) => name !== profile.name);
  if (others.length === 0) return [];
  const problems: ProfileProblem[] = [];
  for (const other of others) {
    const attempted = await attempt(() => loadFrom(library, other));
    if (!('problem' in attempted)) continue;
    problems.push({ ...attempted.problem, ...placeOf('beside', profile), profile: profile.name });
  }
  const together = [profile, ...(await loadAll(others, library))];
  const lint = lintCaps(await cappedOf(together, machine), machine);
  if (lint !== undefined && !isIgnored(lint, profile)) problems.push(placed(lint, profile));
  return problems;
}

/** Those that can be loaded; what is wrong with the others is told of them. */
async function loadAll(names: readonly string[], library: Library): Promise<Profile[]> {
  const attempts = await Promise.all(names.map((name) => attempt(() => loadFrom(library, name))));
  return attempts.flatMap((each) => ('problem' in each ? [] : [each.value]));
}

async function cappedOf(profiles: readonly Profile[], machine: Machine): Promise<Capped[]> {
  const attempts = await Promise.all(
    profiles.map((profile) => attempt(() => writtenLimits(profile, machine))),
  );
  return attempts.flatMap((each, index) =>
    'problem' in each ? [] : [{ name: profiles[index]?.name ?? '', limits: each.value }],
  );
}

/** A name in `lint-ignore` that is no lint silences nothing. */
function unknownLints(profile: Profile): ProfileProblem[] {
  const known: readonly string[] = LINT_IDS;
  return (profile.lintIgnore ?? [])
    .filter((id) => !known.includes(id))
    .map((id) => ({
      ...problemOf(new UnknownNameError('lint', id, known)),
      ...placeOf('lint-ignore', profile),
      profile: profile.name,
    }));
}

function placed(lint: Lint, profile: Profile): ProfileProblem {
  const { key, refused: _, ...told } = lint;
  return { ...told, profile: profile.name, ...placeOf(key, profile) };
}

function placeOf(
  key: string,
  { origins }: Profile,
): Pick<ProfileProblem, 'file' | 'line' | 'column'> {
  const { file, line, column } = origins[key] ?? {};
  return {
    ...(file === undefined ? {} : { file }),
    ...(line === undefined ? {} : { line }),
    ...(column === undefined ? {} : { column }),
  };
}

/** Nothing of a built-in profile is for the user to mend. */
function unless({ layer }: Profile): Severity {
  return layer === 'built-in' ? 'warning' : 'problem';
}

/** A failure as something wrong with a profile. */
export function problemOf(error: unknown): ProfileProblem {
  if (error instanceof ProfileFileError) {
    const { id, file, detail, position = {} } = error;
    return { id, severity: 'problem', file, ...position, message: detail };
  }
  if (!(error instanceof RlimitError)) throw error;
  const { id, message, why, remedy } = error;
  return {
    id,
    severity: 'problem',
    message,
    ...(why === undefined ? {} : { why }),
    ...(remedy === undefined ? {} : { remedy }),
  };
}

async function attempt<T>(
  work: () => T | Promise<T>,
): Promise<{ value: T } | { problem: ProfileProblem }> {
  try {
    return { value: await work() };
  } catch (error) {
    return { problem: problemOf(error) };
  }
}
