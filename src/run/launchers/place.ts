/**
 * Where in the cgroup v2 tree a run may have its cgroup without systemd. Deciding is pure; looking
 * is below.
 *
 * No process that is not ours is ever moved: a cgroup with processes of its own can have no
 * children with limits (the no-internal-process rule of the kernel's cgroup-v2 document), so where
 * others sit in the only place there is, there is none.
 */
import {
  CGROUP_ROOT,
  cgroupOf,
  isWithin,
  isWritable,
  OWN_BASE,
  parseNames,
  parsePids,
  readCgroupFile,
} from '../../cgroup/index.js';
import type { Diagnosis } from '../../systemd/diagnose.js';

/** Name of the cgroup below a run's own that its processes live in. */
export const MAIN = 'main';

/** What can be seen of one cgroup. */
export interface CgroupSight {
  /** Controllers its children can have; absent where there is no such cgroup. */
  controllers?: readonly string[];
  /** Whether the caller may make cgroups in it and enable controllers for them. */
  writable: boolean;
  /** Whether a process of the caller may be moved into it from where the caller is. */
  reachable: boolean;
  /** Whether processes sit in it directly: none, only rlimit itself, or others as well. */
  inside: 'none' | 'self' | 'others';
}

/** What the choice rests on. */
export interface PlaceFacts {
  uid: number;
  /** Own cgroup; absent without a cgroup v2 tree at its usual place. */
  own?: string;
  /** Whether what is mounted is the whole tree and not what a container was given of it. */
  wholeTree: boolean;
  /** A cgroup the user named (RLIMIT_CGROUP): a subtree delegated to them. */
  asked?: string;
  /** RLIMIT_UNIT: the run that this process is part of. */
  within?: string;
  look(cgroup: string): CgroupSight;
}

/** A cgroup that runs can be made in. */
export interface CgroupPlace {
  base: string;
  /** The run around this one, by its cgroup. */
  around?: string;
  /** Whether rlimit itself sits in it, alone, and has to make room. */
  makeRoom: boolean;
  /** Whether it is rlimit's own and goes again when it is empty. */
  ours: boolean;
}

/** @returns a place, or why there is none */
export function choosePlace(facts: PlaceFacts): CgroupPlace | Diagnosis {
  const { own, asked, uid, wholeTree } = facts;
  if (own === undefined) return NO_TREE;
  if (own.startsWith('/..')) return outside(own);
  const around = runAround(own, facts.within);
  if (around !== undefined && isOwnRun(own)) return nested(around, facts);
  if (asked !== undefined) return named(asked, around, facts);
  // Root could go to the top of the tree; a run inside a run must not.
  if (uid === 0 && wholeTree && around === undefined && facts.look('/').writable) {
    return { base: OWN_BASE, makeRoom: false, ours: true };
  }
  return ownPlace(own, facts) ?? parentPlace(own, facts) ?? notDelegated(own, facts);
}

/**
 * The cgroup of the run that a cgroup belongs to. A run of this launcher is told by its shape,
 * `…/rlimit-PROFILE-ID/main`; one of systemd by the unit's name on the way.
 */
function runAround(own: string, within: string | undefined): string | undefined {
  const parts = own.split('/');
  if (isOwnRun(own)) return parts.slice(0, -1).join('/');
  const at = within === undefined ? -1 : parts.indexOf(within);
  return at < 0 ? undefined : parts.slice(0, at + 1).join('/');
}

function isOwnRun(own: string): boolean {
  return new RegExp(`/rlimit-[^/]+/${MAIN}$`).test(own);
}

function nested(around: string, { look }: PlaceFacts): CgroupPlace | Diagnosis {
  const { writable, reachable } = look(around);
  if (writable && reachable) return { base: around, around, makeRoom: false, ours: false };
  return {
    message: `no cgroup can be made inside ${around}`,
    why: 'This run would be part of that one, which belongs to another user.',
  };
}

function named(
  asked: string,
  around: string | undefined,
  { look }: PlaceFacts,
): CgroupPlace | Diagnosis {
  const sight = look(asked);
  const trouble = troubleWith(asked, sight);
  if (trouble !== undefined) return trouble;
  if (around !== undefined && !isWithin(asked, around)) {
    return {
      message: `RLIMIT_CGROUP=${asked} lies outside of the run around this one`,
      why: `Limits of ${around} would not hold for it.`,
      remedy: 'unset RLIMIT_CGROUP',
    };
  }
  return { base: asked, makeRoom: sight.inside === 'self', ours: false };
}

function troubleWith(asked: string, sight: CgroupSight): Diagnosis | undefined {
  const message = `no cgroup can be made in ${asked} (RLIMIT_CGROUP)`;
  if (sight.controllers === undefined) {
    return { message, why: 'There is no such cgroup.', remedy: `mkdir ${CGROUP_ROOT}${asked}` };
  }
  if (!sight.writable) {
    return {
      message,
      why: 'It is not delegated to you: its directory, cgroup.procs and cgroup.subtree_control must be yours.',
      remedy: `sudo chown $USER ${CGROUP_ROOT}${asked} ${CGROUP_ROOT}${asked}/cgroup.{procs,subtree_control}`,
    };
  }
  if (sight.inside === 'others') {
    return { message, why: `Processes sit in it. ${NO_INTERNAL}`, remedy: MOVE_THEM };
  }
  if (sight.reachable) return undefined;
  return {
    message,
    why: 'You are outside of it, and the kernel lets only root move a process in from there.',
    remedy: 'start the shell inside that subtree',
  };
}

/** A place where rlimit is alone was made for it: `systemd-run --scope -p Delegate=yes rlimit …`. */
function ownPlace(own: string, { look }: PlaceFacts): CgroupPlace | undefined {
  const { writable, inside } = look(own);
  if (!writable || inside !== 'self' || own.endsWith('.slice')) return undefined;
  return { base: own, makeRoom: own !== '/', ours: false };
}

/**
 * The cgroup above, where the own one is but a part of what was delegated: systemd's
 * DelegateSubgroup=, or a container whose first process moved aside. A unit's parent is systemd's.
 */
function parentPlace(own: string, { look }: PlaceFacts): CgroupPlace | undefined {
  const parent = own.slice(0, own.lastIndexOf('/')) || '/';
  if (own === '/' || UNIT.test(own) || parent.endsWith('.slice')) return undefined;
  const { writable, reachable, inside } = look(parent);
  if (!writable || !reachable || inside !== 'none') return undefined;
  return { base: parent, makeRoom: false, ours: false };
}

const UNIT = /\.(slice|scope|service)$/;

const NO_TREE: Diagnosis = {
  message: 'there is no cgroup v2 tree',
  why: `${CGROUP_ROOT} is not one: this machine or container has cgroup v1, or none at all.`,
};

function outside(own: string): Diagnosis {
  return {
    message: 'the cgroup of this process is not in the tree that is mounted here',
    why: `It is ${own}: the container was given a tree that it is not part of.`,
  };
}

const NO_INTERNAL =
  'A cgroup with processes of its own can have no children with limits (a rule of the kernel).';
const MOVE_THEM =
  'move them aside, if they are yours: cd /sys/fs/cgroup/PLACE && mkdir -p aside && ' +
  'xargs -n1 <cgroup.procs >aside/cgroup.procs';

function notDelegated(own: string, { look, uid }: PlaceFacts): Diagnosis {
  const message = 'no cgroup can be made here';
  const { writable, inside } = look(own);
  const byScope =
    'systemd-run --user --scope -p Delegate=yes rlimit run …, or RLIMIT_CGROUP=PATH for a ' +
    'subtree that is yours';
  if (writable && inside === 'others') {
    return {
      message,
      why: `Other processes than rlimit sit in ${own}. ${NO_INTERNAL}`,
      remedy: UNIT.test(own)
        ? byScope
        : MOVE_THEM.replace('PLACE', own === '/' ? '' : own.slice(1)),
    };
  }
  return {
    message,
    why: `${own} is not delegated to ${uid === 0 ? 'this process' : 'you'}.`,
    remedy: byScope,
  };
}

/** Reads those facts. */
export function readPlaceFacts({
  env = process.env,
  uid = process.getuid?.() ?? 0,
  root = CGROUP_ROOT,
  proc = '/proc',
}: {
  env?: NodeJS.ProcessEnv;
  uid?: number;
  root?: string;
  proc?: string;
} = {}): PlaceFacts {
  const isTree = readCgroupFile('/', 'cgroup.controllers', root) !== undefined;
  const own = isTree ? cgroupOf('self', proc) : undefined;
  const asked = env.RLIMIT_CGROUP ? pathOf(env.RLIMIT_CGROUP, root) : undefined;
  return {
    uid,
    // Every cgroup has this file but the root of the whole tree.
    wholeTree: isTree && readCgroupFile('/', 'cgroup.events', root) === undefined,
    look: (cgroup) => lookAt(cgroup, own ?? '/', root),
    ...(own === undefined ? {} : { own }),
    ...(asked === undefined ? {} : { asked }),
    ...(env.RLIMIT_UNIT ? { within: env.RLIMIT_UNIT } : {}),
  };
}

/** As /proc/PID/cgroup writes it, also where the file system's path was given. */
function pathOf(text: string, root: string): string {
  const path = text.startsWith(`${root}/`) ? text.slice(root.length) : text;
  return `/${path.split('/').filter(Boolean).join('/')}`;
}

function lookAt(cgroup: string, own: string, root: string): CgroupSight {
  const controllers = readCgroupFile(cgroup, 'cgroup.controllers', root);
  const pids = parsePids(readCgroupFile(cgroup, 'cgroup.procs', root) ?? '');
  const others = pids.some((pid) => pid !== process.pid);
  return {
    ...(controllers === undefined ? {} : { controllers: parseNames(controllers) }),
    writable: isWritable(cgroup, undefined, root),
    // Both ends, and the nearest cgroup above both (the kernel document's "Delegation containment").
    reachable: isWritable(commonAncestor(own, cgroup), ['cgroup.procs'], root),
    inside: pids.length === 0 ? 'none' : others ? 'others' : 'self',
  };
}

function commonAncestor(a: string, b: string): string {
  const [first, second] = [a.split('/'), b.split('/')];
  let length = 0;
  while (length < first.length && first[length] === second[length]) length += 1;
  return first.slice(0, length).join('/') || '/';
}
