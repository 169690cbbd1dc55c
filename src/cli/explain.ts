/** What `--explain` of any verb answers. */
import { TROUBLES, type Trouble } from '../catalogue/index.js';
import { UnknownNameError } from '../errors/index.js';
import { LINT_IDS } from '../lint/lint.js';
import type { TroubleId } from '../model/index.js';
import { ALL_TROUBLES } from './explain-flag.js';

/** A trouble of the catalogue, and where its story is told. */
export interface Explained extends Trouble {
  id: TroubleId;
  /** Its section in the documentation, where it has one. */
  lesson?: string;
}

export interface Explanation {
  troubles: Explained[];
}

/**
 * Looks a trouble up.
 * @param name id of a trouble, or `list` for all of them
 * @throws {UnknownNameError} with the nearest ids
 */
export function explain(name: string): Explanation {
  const ids = Object.keys(TROUBLES) as TroubleId[];
  if (name === ALL_TROUBLES) return { troubles: ids.map(explained) };
  const id = ids.find((each) => each === name);
  if (id !== undefined) return { troubles: [explained(id)] };
  throw new UnknownNameError('trouble', name, ids, { remedy: 'rlimit profile check --explain' });
}

function explained(id: TroubleId): Explained {
  const lessons: readonly TroubleId[] = LINT_IDS;
  return {
    id,
    ...TROUBLES[id],
    ...(lessons.includes(id) ? { lesson: `docs/lessons.md#${id}` } : {}),
  };
}
