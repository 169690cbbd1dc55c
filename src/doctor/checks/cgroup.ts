import { parseControllers } from '../../cgroup/index.js';
import { needText, type Place, readText } from '../place.js';
import { type CheckSpec, found, type Judged } from '../spec.js';

/** Whether the machine uses cgroup v2 alone. */
export const cgroup: CheckSpec = {
  name: 'cgroup',
  title: 'cgroup v2 alone is used',
  group: 'machine',
  look: (place) => judgeCgroup(readCgroupFacts(place)),
};

export interface CgroupFacts {
  /** cgroup.controllers of the root, where /sys/fs/cgroup is the unified tree. */
  controllers?: string;
  /** Mounts of type cgroup or cgroup2, `TYPE PATH`. */
  mounts: readonly string[];
}

export function readCgroupFacts(place: Place): CgroupFacts {
  const controllers = readText(place, '/sys/fs/cgroup/cgroup.controllers');
  const mounts = needText(place, '/proc/self/mounts')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , type = '']) => /^cgroup2?$/.test(type))
    .map(([, path = '', type = '']) => `${type} ${path}`);
  return { mounts, ...(controllers === undefined ? {} : { controllers }) };
}

const REMEDY =
  'boot with systemd.unified_cgroup_hierarchy=1 on the kernel’s command line (GRUB_CMDLINE_LINUX ' +
  'in /etc/default/grub, then sudo update-grub); in a container it is the host that decides';

export function judgeCgroup({ controllers, mounts }: CgroupFacts): Judged {
  const old = mounts.filter((mount) => mount.startsWith('cgroup '));
  const unified = mounts.filter((mount) => mount.startsWith('cgroup2 '));
  if (controllers === undefined && mounts.length === 0) {
    return {
      evidence: [],
      findings: [],
      unknown: 'no cgroup hierarchy is mounted (/proc/self/mounts)',
    };
  }
  if (controllers !== undefined) {
    const missing = ['cpu', 'io', 'memory', 'pids'].filter(
      (name) => !parseControllers(controllers).includes(name as 'cpu'),
    );
    const evidence = [`cgroup v2 at /sys/fs/cgroup with ${controllers.trim()}`];
    if (missing.length === 0) return { evidence, findings: [] };
    const finding = found('problem', 'cgroup-not-unified', {
      cause: `the controllers ${missing.join(', ')} are not in the cgroup v2 tree`,
      remedy: REMEDY,
    });
    return { evidence, findings: [finding] };
  }
  const kind =
    unified.length > 0 ? 'hybrid: cgroup v1, and a v2 tree without controllers' : 'cgroup v1';
  const finding = found('problem', 'cgroup-not-unified', {
    cause: `this machine uses ${kind} (${old.length} v1 hierarchies are mounted)`,
    remedy: REMEDY,
  });
  return {
    evidence: [
      `/proc/self/mounts: ${mounts.slice(0, 4).join(', ')}${mounts.length > 4 ? ' …' : ''}`,
    ],
    findings: [finding],
  };
}
