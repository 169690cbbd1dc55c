/** Writes recommended values into profile files, with what stood there before. */
import { join } from 'node:path';
import type { Document } from 'yaml';
import { isCollection, isMap, isScalar, type Scalar } from 'yaml';
import { ProfileFileError } from '../errors/index.js';
import type { Profile } from '../model/index.js';
import { type Editable, editableFile, saveEdit } from './change.js';
import { parseProfiles, readProfileText } from './file.js';
import { requireProfileName } from './name.js';
import { findProjectFile, isThere, type Places, PROJECT_FILE } from './places.js';
import type { Written } from './replace-file.js';
import { scalar } from './template.js';
import { formerValue, NOT_SET, TUNED_MARK } from './untuned.js';

/** Keys that a recommendation can write, and their values as the file has them. */
export type TunedValues = Partial<
  Record<'limits.MemoryMax' | 'limits.CPUQuota' | 'jobs.memory' | 'jobs.pick', string>
>;

/** A file as it is and as it would be. */
export interface Proposal {
  profile: string;
  file: string;
  before: string;
  after: string;
  editable: Editable;
}

/**
 * Works out the file with recommended values in it, beside everything else that stands there.
 * Nothing is written.
 * @param profile as it is loaded from the same places
 * @throws {UnknownNameError} for a profile that does not exist
 * @throws {ProfileFileError} for a file that cannot be used
 */
export async function proposeTuning(
  profile: Profile,
  values: TunedValues,
  places: Places,
  { project }: { project: boolean },
): Promise<Proposal> {
  const { name } = profile;
  const editable = project ? projectFile(name, places) : await editableFile(name, places);
  const comments: Change['comments'] = {};
  for (const key of Object.keys(values)) comments[key] = await commentFor(profile, key);
  const after = editable.isNew
    ? newFile(name, { values, comments, project: editable.project })
    : changed(editable, name, { values, comments });
  const before = editable.isNew ? '' : editable.text;
  return { profile: name, file: editable.path, before, after, editable };
}

/**
 * Puts a proposal into its file; the former content is kept beside it.
 * @throws {ProfileFileError} for a text that cannot be used
 * @throws {UsageError} when the file was changed by somebody else meanwhile
 */
export async function writeTuning(
  { profile, editable, after }: Proposal,
  places: Places,
): Promise<Written> {
  return saveEdit(editable, after, { name: profile, places, shown: editable.path });
}

/** No comment on jobs.memory: it is what was seen, and not a wish. */
async function commentFor(profile: Profile, key: string): Promise<string | undefined> {
  if (key === 'jobs.memory') return undefined;
  const [section, name = ''] = key.split('.');
  const now = section === 'limits' ? profile.limits[name] : profile.jobs?.pick;
  const was = (await formerValue(profile.origins[key])) ?? String(now ?? NOT_SET);
  return TUNED_MARK + was.replace(/\s+/g, ' ');
}

/** The project's file, which need not be there yet. */
function projectFile(name: string, places: Places): Editable {
  requireProfileName(name);
  const path = findProjectFile(places.cwd) ?? join(places.cwd, PROJECT_FILE);
  const isNew = !isThere(path);
  return { path, text: isNew ? '' : readProfileText(path), project: true, isNew };
}

interface Change {
  values: TunedValues;
  comments: Record<string, string | undefined>;
}

/** Written by hand, as all new files are. */
function newFile(
  name: string,
  { values, comments, project }: Change & { project: boolean },
): string {
  const sections = ['limits', 'jobs'].flatMap((section) => {
    const lines = Object.entries(values)
      .filter(([key]) => key.startsWith(`${section}.`))
      .map(([key, value]) => {
        const comment = comments[key];
        const behind = comment === undefined ? '' : ` # ${comment}`;
        return `  ${key.slice(section.length + 1)}: ${scalar(value)}${behind}`;
      });
    return lines.length === 0 ? [] : [`${section}:`, ...lines];
  });
  if (!project) {
    return [
      `# Profile ${name} of rlimit. What is not said here comes from the profile below it:`,
      '# the built-in one of the same name.',
      `# To see the outcome: rlimit profile show ${name}`,
      '',
      ...sections,
      '',
    ].join('\n');
  }
  return [
    '# Profiles of this project for rlimit: they count in this directory and below.',
    '',
    'profiles:',
    `  ${name}:`,
    ...sections.map((line) => `    ${line}`),
    '',
  ].join('\n');
}

function changed({ path, text, project }: Editable, name: string, change: Change): string {
  const parsed = parseProfiles({ path, text, project }, name);
  if ('problems' in parsed) {
    const [first] = parsed.problems;
    throw new ProfileFileError(path, first?.message ?? 'cannot be read', first?.position);
  }
  const { document } = parsed.located;
  const prefix = project ? ['profiles', name] : [];
  for (const [key, value] of Object.entries(change.values)) {
    setValue(document, [...prefix, ...key.split('.')], value, change.comments[key]);
  }
  // The author's way of writing lists is kept.
  return document.toString({ lineWidth: 0, flowCollectionPadding: /[[{] \S/.test(text) });
}

function setValue(
  document: Document,
  path: readonly string[],
  value: string,
  comment: string | undefined,
): void {
  for (let depth = 1; depth < path.length; depth += 1) {
    const parent = path.slice(0, depth);
    // A key with nothing but comments below it holds no mapping yet.
    if (!isMap(document.getIn(parent, true))) document.setIn(parent, document.createNode({}));
  }
  const former = document.getIn(path, true);
  const node: Scalar = isScalar(former) ? former : document.createNode(value);
  node.value = value;
  if (comment !== undefined) node.comment = ` ${comment}`;
  const parent = document.getIn(path.slice(0, -1), true);
  // In a mapping on one line a comment would swallow what comes behind it.
  if (isCollection(parent) && comment !== undefined) parent.flow = false;
  document.setIn(path, node);
}
