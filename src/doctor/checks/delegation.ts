import { statSync } from 'node:fs';
import { CONTROLLERS, parseControllers, parseNames } from '../../cgroup/index.js';
import { delegationRemedy } from '../../inspect/causes.js';
import type { Controller, Finding } from '../../model/index.js';
import { delegateLines } from '../../systemd/delegation.js';
import { unitText } from '../../units/index.js';
import type { Fix } from '../fix.js';
import { namesIn, needText, type Place, readText, said, Unknown } from '../place.js';
import { type CheckSpec, found, type Judged } from '../spec.js';

/** The controllers that user managers were given, and that they use. */
export const delegation: CheckSpec = {
  name: 'delegation',
  title: 'all controllers are delegated',
  group: 'session',
  look: async (place) => {
    const managers = await readDelegation(place);
    return managers.length === 0
      ? { evidence: [], findings: [], unknown: 'no user manager has a cgroup v2 tree' }
      : judgeDelegation(managers);
  },
};

export interface ManagerControllers {
  /** user@1000.service */
  manager: string;
  controllers: readonly Controller[];
  /** cgroup.subtree_control: those that it has handed on already. */
  handedOn: readonly string[];
  /** A file that delegates all controllers, and was written after the manager started. */
  changedSince?: string;
  /** Why it is not known whether there is such a file. */
  unasked?: string;
}

/** One's own manager; for root those of all users. @throws {Unknown} */
export async function readDelegation(place: Place): Promise<ManagerControllers[]> {
  const uids =
    place.uid === 0
      ? namesIn(place, `${CGROUPS}/user.slice`).flatMap(
          (name) => /^user-(\d+)\.slice$/.exec(name)?.[1] ?? [],
        )
      : [String(place.uid)];
  const managers: ManagerControllers[] = [];
  for (const uid of uids) {
    const manager = `user@${uid}.service`;
    const folder = `${CGROUPS}/user.slice/user-${uid}.slice/${manager}`;
    // Root's own session has no manager; a person's has.
    if (place.uid === 0 && readText(place, `${folder}/cgroup.controllers`) === undefined) continue;
    const controllers = parseControllers(needText(place, `${folder}/cgroup.controllers`));
    const handedOn = parseNames(readText(place, `${folder}/cgroup.subtree_control`) ?? '');
    const isIdle = CONTROLLERS.some((name) => !handedOn.includes(name));
    const changed = isIdle ? await changedFile(place, manager) : {};
    managers.push({ manager, controllers, handedOn, ...changed });
  }
  return managers;
}

const CGROUPS = '/sys/fs/cgroup';

/** Without these the hard limits of a run do nothing. */
const HARD: readonly string[] = ['cpu', 'memory', 'pids'];

export function judgeDelegation(managers: readonly ManagerControllers[]): Judged {
  const evidence = managers.map(
    ({ manager, controllers }) =>
      `${manager} has ${controllers.join(' ')} (its cgroup.controllers)`,
  );
  const findings = managers.flatMap(judgeManagerControllers);
  const { unit, id } = findings[0] ?? {};
  const isMissing = id === 'controller-not-delegated' && unit !== undefined;
  const unasked = managers.find((each) => each.unasked !== undefined)?.unasked;
  return {
    evidence,
    findings,
    ...(isMissing ? { fixes: [delegationFix(unit)] } : {}),
    ...(unasked === undefined ? {} : { unknown: unasked }),
  };
}

function judgeManagerControllers(facts: ManagerControllers): Finding[] {
  const { manager, controllers, handedOn, changedSince } = facts;
  if (changedSince !== undefined) {
    const unused = CONTROLLERS.filter((name) => !handedOn.includes(name));
    return [
      found('warning', 'manager-before-delegation', {
        unit: manager,
        cause: `${manager} started before ${changedSince} was written, and does not use ${unused.join(', ')}`,
        remedy: `log out of all sessions and in again; or, which ends every program in them: sudo systemctl restart ${manager}`,
      }),
    ];
  }
  return CONTROLLERS.filter((name) => !controllers.includes(name)).map((name) =>
    found(HARD.includes(name) ? 'problem' : 'warning', 'controller-not-delegated', {
      unit: manager,
      property: name,
      cause: `the ${name} controller is not delegated to ${manager}: ${LOST[name]} of users’ units do nothing`,
      remedy: delegationRemedy(manager),
    }),
  );
}

const LOST: Readonly<Record<Controller, string>> = {
  cpu: 'CPUQuota and CPUWeight',
  cpuset: 'AllowedCPUs and AllowedMemoryNodes',
  io: 'IOWeight and IO…BandwidthMax',
  memory: 'MemoryMax, MemoryHigh and MemorySwapMax',
  pids: 'TasksMax',
};

function delegationFix(manager: string): Fix {
  return {
    trouble: 'controller-not-delegated',
    title: 'delegate all controllers to users’ managers (from the next start of each)',
    root: true,
    steps: [
      {
        file: '/etc/systemd/system/user@.service.d/delegate.conf',
        content: unitText([], [['Service', delegateLines()]]),
      },
      { reload: [] },
    ],
    ending: {
      run: ['systemctl', 'restart', manager],
      ends: `every program that ${manager} started, the desktop included`,
    },
  };
}

/**
 * A manager finds out once, at its start, which controllers it has (seen on 252, 257 and 262: after
 * a daemon-reload its cgroup has them all, and IOWeight= of a new scope still does nothing).
 */
async function changedFile(
  place: Place,
  manager: string,
): Promise<Pick<ManagerControllers, 'changedSince' | 'unasked'>> {
  const properties = '--property=DropInPaths,ActiveEnterTimestampMonotonic';
  try {
    const argv = ['systemctl', '--system', '--no-pager', 'show', properties, manager];
    const text = await said(place, argv);
    const paths = /^DropInPaths=(.*)$/m.exec(text)?.[1]?.split(' ').filter(Boolean) ?? [];
    const started = Number(/^ActiveEnterTimestampMonotonic=(\d+)$/m.exec(text)?.[1] ?? 0) / 1000;
    // btime is the moment of the boot in whole seconds (proc(5), /proc/stat).
    const boot = Number(/^btime (\d+)$/m.exec(needText(place, '/proc/stat'))?.[1] ?? 0) * 1000;
    if (started === 0 || boot === 0) return {};
    const last = paths.findLast((path) => /^\s*Delegate=/m.test(readText(place, path) ?? ''));
    if (last === undefined || !delegatesAll(readText(place, last) ?? '')) return {};
    const isNew = statSync(`${place.root}${last}`).ctimeMs > boot + started + 1000;
    return isNew ? { changedSince: last } : {};
  } catch (error) {
    if (!(error instanceof Unknown)) throw error;
    return { unasked: `whether ${manager} knows of them is not known: ${error.message}` };
  }
}

function delegatesAll(text: string): boolean {
  const words = [...text.matchAll(/^\s*Delegate=(.*)$/gm)].at(-1)?.[1]?.split(/\s+/) ?? [];
  if (['yes', 'true', 'on', '1'].includes(words[0] ?? '')) return true;
  return CONTROLLERS.every((name) => words.includes(name));
}
