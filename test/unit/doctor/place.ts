import { CHECKS } from '../../../src/doctor/checks/index.js';
import { type Answer, type Place, Unknown } from '../../../src/doctor/place.js';
import { type Checked, make } from '../../../src/doctor/spec.js';
import { tree } from '../cgroup/tree.js';

/** What a program says: its output, how it ends, that it hangs. One that is not listed is not there. */
export type Said = string | Partial<Answer> | 'hangs';

/** A machine made of files, and of programs by the beginning of their command lines. */
export function place(
  files: Record<string, string> = {},
  programs: Record<string, Said> = {},
  more: Partial<Place> = {},
): Place {
  let root: string | undefined;
  return {
    // Made when it is first looked at, which is inside the test.
    get root() {
      root ??= tree(files);
      return root;
    },
    uid: 1000,
    user: 'dev',
    home: '/home/dev',
    env: {},
    parent: 4242,
    ask: async (argv) => {
      const line = argv.join(' ');
      const name = Object.keys(programs).find((start) => line.startsWith(start));
      const said = name === undefined ? undefined : programs[name];
      if (said === 'hangs') throw new Unknown(`${name} did not answer within 10 s`);
      if (typeof said === 'string') return { status: 0, out: said, err: '' };
      return said && { status: 0, out: '', err: '', ...said };
    },
    ...more,
  };
}

/** Makes one check on such a machine. */
export function look(name: string, here: Place): Promise<Checked> {
  const spec = CHECKS.find((each) => each.name === name);
  if (spec === undefined) throw new Error(`there is no check ${name}`);
  return make(spec, here);
}

/** `problem id property` of each finding, behind the status. */
export async function outcome(name: string, here: Place): Promise<string[]> {
  const { check } = await look(name, here);
  return [
    check.status,
    ...check.findings.map(({ severity, id, property = '' }) => {
      return `${severity} ${id} ${property}`.trim();
    }),
  ];
}

export const SYSTEM = 'systemctl --system';
export const USER = 'systemctl --user --no-pager show';

/** What `systemctl show` prints of units. */
export function shown(...units: Record<string, string>[]): string {
  return units
    .map((unit) =>
      Object.entries({ LoadState: 'loaded', ActiveState: 'active', Result: 'success', ...unit })
        .map(([key, value]) => `${key}=${value}`)
        .join('\n'),
    )
    .join('\n\n');
}

/** The files of a cgroup; `max` where nothing is said. */
export function cgroupFiles(
  path: string,
  { max = 'max', swap = 'max', high = 'max' } = {},
): Record<string, string> {
  const folder = `sys/fs/cgroup${path}`;
  return {
    [`${folder}/cgroup.procs`]: '',
    [`${folder}/cgroup.events`]: 'populated 1\nfrozen 0\n',
    [`${folder}/memory.max`]: `${max}\n`,
    [`${folder}/memory.swap.max`]: `${swap}\n`,
    [`${folder}/memory.high`]: `${high}\n`,
    [`${folder}/memory.events`]: 'low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n',
  };
}

const KIB = 1024;
export const GIB = KIB ** 3;

/** A machine of 32 GiB with cgroup v2, one person called dev, and no swap. */
export function healthy({ swapGib = 0, people = ['dev'] } = {}): Record<string, string> {
  return {
    'proc/meminfo': `MemTotal: ${32 * KIB * KIB} kB\nSwapTotal: ${swapGib * KIB * KIB} kB\n`,
    'proc/self/status': 'Cpus_allowed_list:\t0-7\n',
    'proc/self/mounts': 'cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n',
    'proc/self/cgroup': '0::/user.slice/user-1000.slice/session-1.scope\n',
    'proc/vmstat': 'pgfault 1\noom_kill 0\n',
    'etc/passwd': [
      'root:x:0:0::/root:/bin/bash',
      'nobody:x:65534:65534::/:/usr/sbin/nologin',
      ...people.map((name, at) => `${name}:x:${1000 + at}:${1000 + at}::/home/${name}:/bin/bash`),
    ].join('\n'),
    'sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory pids\n',
    ...cgroupFiles('/system.slice'),
    ...cgroupFiles('/user.slice'),
  };
}
