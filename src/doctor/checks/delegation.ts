import { statSync } from 'node:fs';
import { CONTROLLERS, parseControllers, parseNames } from '../../cgroup/index.js';
import { delegationRemedy } from '../../inspect/causes.js';
import type { Controller } from '../../model/index.js';
import type { Fix } from '../fix.js';
import { namesIn, needText, type Place, readText, said } from '../place.js';
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
  /** A file with Delegate= that was changed after the manager started. */
  changedSince?: string;
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
    const isIdle = handedOn.length < controllers.length;
    const changedSince = isIdle ? await changedFile(place, manager) : undefined;
    const changed = changedSince === undefined ? {} : { changedSince };
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
  const findings = managers.flatMap(({ manager, controllers, handedOn, changedSince }) => {
    const missing = CONTROLLERS.filter((name) => !controllers.includes(name));
    if (missing.length > 0) {
      return missing.map((name) =>
        found(HARD.includes(name) ? 'problem' : 'warning', 'controller-not-delegated', {
          unit: manager,
          property: name,
          cause: `the ${name} controller is not delegated to ${manager}: ${LOST[name]} of users’ units do nothing`,
          remedy: delegationRemedy(manager),
        }),
      );
    }
    const unused = CONTROLLERS.filter((name) => !handedOn.includes(name));
    if (changedSince === undefined || unused.length === 0) return [];
    return [
      found('warning', 'manager-before-delegation', {
        unit: manager,
        cause: `${manager} started before ${changedSince} was written, and does not use ${unused.join(', ')}`,
        remedy: `log out of all sessions and in again; or, which ends every program in them: sudo systemctl restart ${manager}`,
      }),
    ];
  });
  const first = findings[0]?.unit;
  return { evidence, findings, ...(first === undefined ? {} : { fixes: [delegationFix(first)] }) };
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
        content: '[Service]\nDelegate=cpu cpuset io memory pids\n',
      },
      { reload: true },
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
async function changedFile(place: Place, manager: string): Promise<string | undefined> {
  const properties = '--property=DropInPaths,ActiveEnterTimestampMonotonic';
  const argv = ['systemctl', '--system', '--no-pager', 'show', properties, manager];
  const text = await said(place, argv);
  const paths = /^DropInPaths=(.*)$/m.exec(text)?.[1]?.split(' ').filter(Boolean) ?? [];
  const started = Number(/^ActiveEnterTimestampMonotonic=(\d+)$/m.exec(text)?.[1] ?? 0) / 1000;
  // btime is the moment of the boot in seconds (proc(5), /proc/stat).
  const boot = Number(/^btime (\d+)$/m.exec(needText(place, '/proc/stat'))?.[1] ?? 0) * 1000;
  if (started === 0 || boot === 0) return undefined;
  return paths.find((path) => {
    if (!/^\s*Delegate=/m.test(readText(place, path) ?? '')) return false;
    // btime is cut to seconds.
    return statSync(`${place.root}${path}`).ctimeMs > boot + started + 1000;
  });
}
