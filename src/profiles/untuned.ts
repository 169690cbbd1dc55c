/** Reads back what stood in a profile before a recommendation was written into its files. */
import type { Origin, Profile } from '../model/index.js';
import { JOB_READERS } from './body.js';

/** Stands in a comment behind a recommended value, in front of the one that it replaced. */
export const TUNED_MARK = 'rlimit tune; was ';
/** In place of a former value where there was none. */
export const NOT_SET = 'not set';

const MARKED = /#\s*rlimit tune; was (.*?)\s*$/;

/**
 * The profile as it was before recommended values were written into its files. Its bounds are the
 * ones of the next recommendation: else that could only ever be lower than the last.
 * @throws {ProfileFileError} for a file that cannot be read any more
 */
export async function withoutTuning(profile: Profile): Promise<Profile> {
  const limits = { ...profile.limits };
  const memoryMax = await formerValue(profile.origins['limits.MemoryMax']);
  if (memoryMax === NOT_SET) delete limits.MemoryMax;
  else if (memoryMax !== undefined) limits.MemoryMax = memoryMax;
  const pick = await formerValue(profile.origins['jobs.pick']);
  const { jobs } = profile;
  if (jobs === undefined || pick === undefined) return { ...profile, limits };
  return { ...profile, limits, jobs: { ...jobs, pick: JOB_READERS.pick(pick) } };
}

/** What stood there before a recommended value; undefined for a value of somebody's own. */
export async function formerValue(origin: Origin | undefined): Promise<string | undefined> {
  if (origin?.file === undefined || origin.line === undefined) return undefined;
  const { readProfileText } = await import('./file.js');
  const line = readProfileText(origin.file).split('\n')[origin.line - 1] ?? '';
  return MARKED.exec(line)?.[1];
}
