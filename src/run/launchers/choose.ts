/** Which launcher a run gets. Choosing is pure; looking is below. */
import { CannotRunError } from '../../errors/index.js';
import type { LauncherKind } from '../../model/index.js';
import {
  type Diagnosis,
  diagnoseUserManager,
  readUserManagerFacts,
  type UserManagerFacts,
} from '../../systemd/diagnose.js';
import type { WantedLauncher } from '../options.js';
import { type CgroupPlace, choosePlace, readPlaceFacts } from './place.js';

/** The launchers on this machine. */
type HereKind = Exclude<LauncherKind, 'slurm'>;

/** What is to be had here; of what is not, why. */
export interface LauncherFacts {
  user: 'here' | Diagnosis;
  system: 'here' | Diagnosis;
  cgroup: CgroupPlace | Diagnosis;
  /** Whether systemd is PID 1: then what keeps us from its managers can be mended. */
  booted: boolean;
}

/** The launcher that was chosen, and for `cgroup` the place. */
export type Chosen = { kind: Exclude<HereKind, 'cgroup'> } | { kind: 'cgroup'; place: CgroupPlace };

/**
 * A run inside a run of `cgroup` stays inside it. Otherwise the user's manager comes first, then the
 * system's for root, then a cgroup of our own. Watching is always possible, and comes last; but
 * where only a variable or a login is missing, that is said instead of holding the limits less well.
 * @throws {CannotRunError} for one that is not to be had, with the cause and those that are
 */
export function chooseLauncher(wanted: WantedLauncher, facts: LauncherFacts): Chosen {
  const { cgroup } = facts;
  const isNested = 'base' in cgroup && cgroup.around !== undefined;
  const order: HereKind[] = isNested
    ? ['cgroup', 'user', 'system', 'watched']
    : ['user', 'system', 'cgroup', 'watched'];
  const possible = order.filter((kind) => troubleWith(kind, facts) === undefined);
  const kind = wanted === 'auto' ? (possible[0] ?? 'watched') : wanted;
  if (wanted === 'auto' && kind === 'watched' && facts.booted) throw lessThanNeeded(facts.user);
  const trouble = troubleWith(kind, facts);
  if (trouble !== undefined) throw notPossible(kind, trouble, possible);
  return kind === 'cgroup' && 'base' in cgroup
    ? { kind, place: cgroup }
    : { kind: notCgroup(kind) };
}

function troubleWith(kind: HereKind, facts: LauncherFacts): Diagnosis | undefined {
  if (kind === 'watched') return undefined;
  const found = facts[kind];
  return found === 'here' || 'base' in found ? undefined : found;
}

function lessThanNeeded(trouble: LauncherFacts['user']): CannotRunError {
  const { message, why, remedy } = trouble as Diagnosis;
  return new CannotRunError(message, {
    why: `${why} Without it rlimit could only watch over the command: --launcher watched.`,
    ...(remedy === undefined ? {} : { remedy }),
  });
}

/** The compiler cannot see that a place was there. */
function notCgroup(kind: HereKind): Exclude<HereKind, 'cgroup'> {
  return kind === 'cgroup' ? 'watched' : kind;
}

function notPossible(
  kind: HereKind,
  { message, why, remedy }: Diagnosis,
  possible: readonly HereKind[],
): CannotRunError {
  return new CannotRunError(`--launcher ${kind} cannot be had here: ${message}`, {
    why: `${why} Possible here: ${possible.join(', ')}.`,
    ...(remedy === undefined ? {} : { remedy }),
  });
}

/** Reads those facts. */
export function readLauncherFacts(env: NodeJS.ProcessEnv = process.env): LauncherFacts {
  const manager = readUserManagerFacts({ env });
  return {
    user: diagnoseUserManager(manager) ?? 'here',
    system: diagnoseSystemManager(manager) ?? 'here',
    cgroup: choosePlace(readPlaceFacts({ env })),
    booted: manager.booted,
  };
}

/** What keeps the system's manager from starting a unit for the caller. */
export function diagnoseSystemManager({
  booted,
  uid,
  init,
}: UserManagerFacts): Diagnosis | undefined {
  if (!booted) {
    return {
      message: 'systemd does not run this system',
      why: `PID 1 is ${init ?? 'another program'}.`,
    };
  }
  if (uid === 0) return undefined;
  return {
    message: 'only root may start units of the system',
    why: 'You are not root.',
    remedy: 'sudo rlimit run --launcher system …',
  };
}
