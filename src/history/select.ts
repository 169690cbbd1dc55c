import type { Run } from './runs.js';

/** Which runs are wanted; what is absent does not matter. */
export interface Selection {
  profile?: string;
  verdict?: string;
  /** Milliseconds since the epoch: started then or later. */
  since?: number;
  /** Milliseconds since the epoch: started before. */
  until?: number;
  /** Absolute path: started there or below. */
  cwd?: string;
  /** Only what did not end with status 0. */
  failed?: boolean;
}

/** The runs that fit, in their order. */
export function selectRuns(runs: readonly Run[], wanted: Selection): Run[] {
  const { profile, verdict, since = -Infinity, until = Infinity, cwd, failed = false } = wanted;
  return runs.filter(
    (run) =>
      (profile === undefined || run.profile === profile) &&
      (verdict === undefined || run.verdict.id === verdict) &&
      run.started >= since &&
      run.started < until &&
      (cwd === undefined || isWithin(run.cwd, cwd)) &&
      !(failed && run.status === 0),
  );
}

/** The latest so many, in their order; 0 is all. */
export function latest<T>(runs: readonly T[], count: number): T[] {
  return count === 0 ? [...runs] : runs.slice(-count);
}

function isWithin(path: string, directory: string): boolean {
  const prefix = directory.endsWith('/') ? directory : `${directory}/`;
  return path === directory || path.startsWith(prefix);
}
