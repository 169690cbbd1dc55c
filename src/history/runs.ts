import { UnknownNameError, UsageError } from '../errors/index.js';
import type { StoredOutcome } from '../state/index.js';

/** A run of the history, with the name that a person types. */
export interface Run extends StoredOutcome {
  /** The last part of the unit's name, or all of it where the user chose the name. */
  id: string;
  /** The shortest end of `id` that is shown: enough to name the run by. */
  shortId: string;
}

/** Characters of an id that are shown, as long as they tell the runs apart. */
const SHORT = 6;

/** Gives every run its names. */
export function nameRuns(outcomes: readonly StoredOutcome[]): Run[] {
  const ids = outcomes.map(idOf);
  const taken = new Map<string, Set<string>>();
  for (const id of ids) {
    const end = id.slice(-SHORT);
    taken.set(end, (taken.get(end) ?? new Set()).add(id));
  }
  return outcomes.map((outcome, index) => {
    const id = ids[index] ?? '';
    const end = id.slice(-SHORT);
    const isAlone = isGenerated(outcome) && taken.get(end)?.size === 1;
    return { id, shortId: isAlone ? end : id, ...outcome };
  });
}

/** `rlimit-coq-standard-mdx3k2j1abc.scope` of the profile coq-standard is `mdx3k2j1abc`. */
function idOf({ unit, profile }: StoredOutcome): string {
  const name = unit.replace(SUFFIX, '');
  return isGenerated({ unit, profile }) ? name.slice(prefixOf(profile).length) : name;
}

const SUFFIX = /\.(scope|service|slice)$/;

function isGenerated({ unit, profile }: Pick<StoredOutcome, 'unit' | 'profile'>): boolean {
  const prefix = prefixOf(profile);
  return (
    unit.startsWith(prefix) && /^[a-z0-9]+$/.test(unit.slice(prefix.length).replace(SUFFIX, ''))
  );
}

function prefixOf(profile: string): string {
  return `rlimit-${profile}-`;
}

/**
 * The run that a person means: by its id, an end of it, or the name of its unit. Where several runs
 * had the same unit, it is the latest.
 * @throws {UnknownNameError} when there is none
 * @throws {UsageError} when the end of an id fits more than one run
 */
export function findRun(runs: readonly Run[], name: string): Run {
  const exact = runs.findLast(
    ({ id, unit }) => id === name || unit === name || unit.replace(SUFFIX, '') === name,
  );
  if (exact !== undefined) return exact;
  const fitting = runs.filter((run) => isGenerated(run) && run.id.endsWith(name));
  const [first, ...others] = new Set(fitting.map(({ id }) => id));
  if (first === undefined || name === '') {
    throw new UnknownNameError('run', name, runs.slice(-LOOKED_AT).flatMap(namesOf), {
      remedy: 'rlimit history',
    });
  }
  if (others.length > 0) throw ambiguous(name, [first, ...others]);
  return fitting.at(-1) as Run;
}

/** Only so many of the latest runs are compared with a wrong name. */
const LOOKED_AT = 200;

function namesOf({ id, shortId }: Run): string[] {
  return id === shortId ? [id] : [shortId, id];
}

function ambiguous(name: string, ids: readonly string[]): UsageError {
  const latest = ids.slice(-3);
  return new UsageError(`${JSON.stringify(name)} is the end of the ids of ${ids.length} runs`, {
    why: `The latest of them: ${latest.join(', ')}.`,
    remedy: `rlimit history ${latest.at(-1)}`,
  });
}
