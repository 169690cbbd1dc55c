import { cgroupOf } from '../cgroup/index.js';
import { UsageError } from '../errors/index.js';
import { readRecords, recordDirectory } from '../state/index.js';
import { type Census, type Entry, processOfThread, readCensus, userOf } from './census.js';
import { type Candidate, checkCandidate } from './refuse.js';
import { parseTarget, type Target } from './target.js';

/**
 * The processes that were named, each once.
 * @param unitOf tells the unit of rlimit that a cgroup lies in
 * @throws {UsageError} for one that is not to be adopted
 */
export function findRoots(
  names: readonly string[],
  { unitOf, force }: { unitOf: (cgroup: string) => string | undefined; force: boolean },
): Entry[] {
  if (names.length === 0) {
    throw new UsageError('there is no process to adopt', {
      why: 'Each one is named by its PID.',
      remedy: 'rlimit adopt PROFILE --pid "$(pgrep -o make)"',
    });
  }
  const census = readCensus();
  const surroundings = {
    census,
    self: process.pid,
    uid: process.getuid?.() ?? 0,
    unitOf,
    force,
  };
  const roots = new Map<number, Entry>();
  for (const target of names.map(parseTarget)) {
    const entry = checkCandidate(candidateOf(target, census), surroundings);
    roots.set(entry.pid, entry);
  }
  return [...roots.values()];
}

function candidateOf(target: Target, census: Census): Candidate {
  const { pid } = target;
  const entry = census.get(pid);
  const uid = userOf(pid);
  const cgroup = cgroupOf(pid);
  const threadOf = entry === undefined ? processOfThread(pid) : undefined;
  return {
    target,
    ...(entry === undefined ? {} : { entry }),
    ...(uid === undefined ? {} : { uid }),
    ...(cgroup === undefined ? {} : { cgroup }),
    ...(threadOf === undefined ? {} : { threadOf }),
  };
}

/** Tells the unit of rlimit that a cgroup lies in: by its record, its name, or the slice it is in. */
export function ourUnits(env: NodeJS.ProcessEnv): (cgroup: string) => string | undefined {
  const directory = recordDirectory(env);
  const records = directory === undefined ? [] : readRecords(directory).records;
  const recorded = new Set(records.map(({ unit }) => unit));
  return (cgroup) => {
    const parts = cgroup.split('/');
    return parts.find((part, at) => {
      const isInOurSlice = /^app-rlimit.*\.slice$/.test(parts[at - 1] ?? '');
      return (
        recorded.has(part) ||
        /^rlimit-.+\.scope$/.test(part) ||
        (isInOurSlice && !part.endsWith('.slice'))
      );
    });
  };
}
