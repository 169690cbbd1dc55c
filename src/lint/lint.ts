/** What is wrong with a profile on a machine, as far as it can be told before it is used. Pure. */
import { TROUBLES } from '../catalogue/index.js';
import type { Machine, Profile, TroubleId } from '../model/index.js';
import { writtenLimits } from '../profiles/resolve.js';
import { lintControllers, lintVersions } from './inert.js';
import { lintJobs } from './jobs.js';
import { lintNix } from './nix.js';
import { lintRefusals } from './refused.js';
import type { Lint, Subject } from './subject.js';
import { lintOomd, lintSwapDisk } from './swap.js';
import { lintTasks } from './tasks.js';

/** Every lint there is, in the order of their names. `docs/lessons.md` has the story of each. */
export const LINT_IDS = [
  'controller-not-delegated',
  'cpu-not-present',
  'high-above-max',
  'high-below-max-without-swap',
  'jobs-above-memory',
  'memory-above-machine',
  'memory-floor',
  'nix-jobs-times-cores',
  'oomd-with-swap-zero',
  'quota-above-machine',
  'sum-of-caps',
  'swap-as-safety-valve',
  'systemd-too-old',
  'tasks-too-few-for-jobs',
] as const satisfies readonly TroubleId[];

const RULES: readonly ((subject: Subject) => Lint[])[] = [
  lintRefusals,
  lintOomd,
  lintSwapDisk,
  lintControllers,
  lintVersions,
  lintJobs,
  lintTasks,
  lintNix,
];

/**
 * Looks at a profile on a machine. What the profile's `lint-ignore` names is left out, but for what
 * `run` refuses: that must be seen, since the profile cannot be used.
 * @throws {UsageError} for a value that cannot be read
 */
export function lintProfile(profile: Profile, machine: Machine, uid?: number): Lint[] {
  const limits = writtenLimits(profile, machine);
  const subject = { profile, limits, machine, ...(uid === undefined ? {} : { uid }) };
  const lints = RULES.flatMap((rule) => rule(subject));
  return lints.filter((lint) => isPossible(lint.id, machine) && !isIgnored(lint, profile));
}

/** Whether a profile asks for silence about a lint. */
export function isIgnored({ id, refused }: Lint, { lintIgnore = [] }: Profile): boolean {
  return !refused && lintIgnore.includes(id);
}

/** Whether this systemd can have the trouble; where its version is unknown, it can. */
function isPossible(id: TroubleId, { systemd }: Machine): boolean {
  const { from = 0, until = Number.POSITIVE_INFINITY } = TROUBLES[id].systemd ?? {};
  return systemd === undefined || (systemd >= from && systemd <= until);
}
