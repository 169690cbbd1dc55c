/** A recommendation as the values of a profile file. */
import { dirname } from 'node:path';
import { UnavailableError, UsageError } from '../errors/index.js';
import type { Limits, Profile } from '../model/index.js';
import { processPlaces } from '../profiles/index.js';
import type { Written } from '../profiles/replace-file.js';
import { type Proposal, proposeTuning, type TunedValues, writeTuning } from '../profiles/tuned.js';
import { formatBytes, formatCpuQuota, MiB } from '../quantity/index.js';
import { counted, shellLine, unifiedDiff } from '../text/index.js';
import type { LearnedReport } from './from-history.js';
import { limitOf } from './steps.js';

/** What `--apply` is about to do, or has done. */
export interface TuneChange {
  file: string;
  /** The difference as `diff -u` writes it; empty where nothing changes. */
  diff: string;
  /** Absent while nothing is written. */
  written?: Written;
}

/** A change that can be made. */
export interface PlannedChange extends TuneChange {
  write(): Promise<Written>;
}

/**
 * Works out the file with the recommended values. Nothing is written before `write` is called.
 * @param learned with a directory: the project's file there is meant, and not the user's own
 * @throws {UnavailableError} where too little was seen to recommend anything
 * @throws {UsageError} where the project's file says something else, which would win
 * @throws {ProfileFileError} for a file that cannot be used
 */
export async function planChange(
  profile: Profile,
  limits: Limits,
  learned: LearnedReport,
): Promise<PlannedChange> {
  const { directory } = learned;
  if (learned.jobs.bound === 'model') throw tooLittle(profile, learned);
  const places = { ...processPlaces(), ...(directory === undefined ? {} : { cwd: directory }) };
  const values = valuesOf(profile, limits, learned);
  const project = directory !== undefined;
  if (!project) refuseWithoutEffect(profile, values);
  const proposal: Proposal = await proposeTuning(profile, values, places, { project });
  const { file, before, after, editable } = proposal;
  const isSame = Object.keys(values).length === 0;
  const from = editable.isNew ? '/dev/null' : file;
  return {
    file,
    diff: isSame ? '' : unifiedDiff(before, after, { from, to: file }),
    write: () => writeTuning(proposal, places),
  };
}

/** What differs from what the profile says now. */
function valuesOf(profile: Profile, limits: Limits, learned: LearnedReport): TunedValues {
  const { jobs, memoryMax, cpuQuota, evidence } = learned;
  const { perJob, isEnough } = evidence;
  const memory = perJob === undefined || !isEnough ? undefined : range(perJob.median, perJob.high);
  const now = profile.jobs?.memory;
  const isNew = (text: string | undefined, old: string | undefined) =>
    text !== undefined && text !== old;
  const max = memoryMax.value === undefined ? undefined : formatBytes(memoryMax.value);
  const quota = cpuQuota.value === undefined ? undefined : formatCpuQuota(cpuQuota.value);
  return {
    ...(isNew(max, limitOf(limits, 'MemoryMax')) ? { 'limits.MemoryMax': max } : {}),
    ...(isNew(quota, limitOf(limits, 'CPUQuota')) ? { 'limits.CPUQuota': quota } : {}),
    ...(isNew(memory, now && range(now.low, now.high)) ? { 'jobs.memory': memory } : {}),
    ...(jobs.value === profile.jobs?.pick ? {} : { 'jobs.pick': String(jobs.value) }),
  } as TunedValues;
}

/** A project's file is laid over the user's. */
function refuseWithoutEffect({ name, origins }: Profile, values: TunedValues): void {
  const overruled = Object.keys(values).find((key) => origins[key]?.layer === 'project');
  const file = overruled === undefined ? undefined : origins[overruled]?.file;
  if (overruled === undefined || file === undefined) return;
  throw new UsageError(`${overruled} in a file of your own would have no effect`, {
    why: `The project's file sets it, and wins: ${file}.`,
    remedy: shellLine(['rlimit', 'tune', name, '--project', dirname(file), '--apply']),
  });
}

/** `812M-1331M`; both rounded up to whole MiB. */
function range(low: number, high: number): string {
  const [first, second] = [low, high].map((bytes) => formatBytes(Math.ceil(bytes / MiB) * MiB));
  return first === second ? String(first) : `${first}-${second}`;
}

function tooLittle(
  { name, jobs }: Profile,
  { evidence, needed, directory }: LearnedReport,
): UnavailableError {
  const where = directory === undefined ? '' : ` below ${directory}`;
  const seen = `${counted(evidence.runs, 'run')} with ${counted(evidence.jobs, 'job')}`;
  return new UnavailableError(`too few runs of ${name}${where} to recommend anything from`, {
    why: `There must be ${needed.runs} with ${needed.jobs} jobs together, and there are ${seen}.`,
    remedy: `${shellLine(['rlimit', 'run', name])} -- ${jobs?.command ?? 'make'}`,
  });
}
