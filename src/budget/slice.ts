import { CGROUP_ROOT, slicePath } from '../cgroup/index.js';
import type { UnitRecord } from '../model/index.js';
import { recordDirectory } from '../state/write.js';

/** The slice of all runs; its limits are the budget. */
export const BUDGET_SLICE = 'app-rlimit.slice';

/** Where the budget and its users are looked for. */
export interface Surroundings {
  env: Readonly<Record<string, string | undefined>>;
  uid: number;
  /** Where the cgroup v2 tree and /proc are; other trees in tests. */
  root: string;
  proc: string;
  /** The records of runs; absent without XDG_RUNTIME_DIR. */
  directory?: string;
}

/** Those of this process, but for what is given. */
export function surroundings({
  env = process.env,
  uid = process.getuid?.() ?? 0,
  root = CGROUP_ROOT,
  proc = '/proc',
}: Partial<Surroundings> = {}): Surroundings {
  const directory = recordDirectory(env);
  return { env, uid, root, proc, ...(directory === undefined ? {} : { directory }) };
}

/** Path below the cgroup root of a slice of the user's manager, where logind puts that. */
export function sliceCgroup(slice: string, { uid }: Pick<Surroundings, 'uid'>): string {
  return `/user.slice/user-${uid}.slice/user@${uid}.service${slicePath(slice)}`;
}

/** Tells whether a run lives in the slice that the budget bounds, or below it. */
export function countsAgainst({ launcher = 'user', slice }: UnitRecord): boolean {
  if (launcher !== 'user') return false;
  return slice === BUDGET_SLICE || slice.startsWith(BUDGET_SLICE.replace('.slice', '-'));
}
