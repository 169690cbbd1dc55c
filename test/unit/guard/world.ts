import type { Scene } from '../../../src/guard/decide/types.js';
import type { MachineSample, ProcessSample, UnitSample } from '../../../src/model/index.js';

export const GiB = 1024 ** 3;
export const MiB = 1024 ** 2;

/** The guard of root on a machine with one administrator besides. */
export const SCENE: Scene = { self: 900, uid: 0, admins: [0, 1000] };

const BOOT = 1_790_000_000_000;

/** A process; `held` are bytes of anonymous memory. */
export function process(
  pid: number,
  comm: string,
  held: number,
  more: Partial<ProcessSample> = {},
): ProcessSample {
  return {
    ...{ pid, startTicks: 1000 + pid, ppid: 700, comm, uid: 1001 },
    ...{ rss: held + 4 * MiB, anon: held, swap: 0, oomScoreAdj: 0 },
    cgroup: '/user.slice/user-1001.slice/session-4.scope',
    ...more,
  };
}

/** What is on every machine, down to a login shell. */
export const SYSTEM: readonly ProcessSample[] = [
  process(1, 'systemd', 10 * MiB, { ppid: 0, uid: 0, cgroup: '/init.scope' }),
  service(300, 'systemd-journal', 20 * MiB, 'systemd-journald.service'),
  service(400, 'sshd', 3 * MiB, 'ssh.service', { oomScoreAdj: -1000 }),
  service(420, 'dbus-daemon', 3 * MiB, 'dbus.service', { uid: 100 }),
  service(430, 'dockerd', 80 * MiB, 'docker.service'),
  service(900, 'node', 30 * MiB, 'rlimit-guard.service'),
  process(500, 'sshd', 2 * MiB, { ppid: 400, uid: 0, cgroup: session(1000) }),
  process(510, 'sshd', 2 * MiB, { ppid: 500, uid: 1000, cgroup: session(1000) }),
  process(700, 'bash', 4 * MiB, { ppid: 510, uid: 1000, argv0: '-bash', cgroup: session(1000) }),
];

export function service(
  pid: number,
  comm: string,
  held: number,
  unit: string,
  more: Partial<ProcessSample> = {},
): ProcessSample {
  return process(pid, comm, held, { ppid: 1, uid: 0, cgroup: `/system.slice/${unit}`, ...more });
}

function session(uid: number): string {
  return `/user.slice/user-${uid}.slice/session-1.scope`;
}

/** A limited run of ours. */
export function run(id: string, held: number, more: Partial<UnitSample> = {}): UnitSample {
  const unit = `rlimit-coq-standard-${id}.scope`;
  return {
    ...{ unit, ours: true, profile: 'coq-standard', started: BOOT },
    cgroup: cgroupOf(unit),
    use: { memory: held + 10 * MiB, anon: held, swap: 0 },
    limits: { memoryMax: 8 * GiB, swapMax: 0 },
    pressure: {},
    events: { high: 0, max: 0, oomKill: 0 },
    ...more,
  };
}

export function cgroupOf(unit: string): string {
  return `/user.slice/user-1001.slice/user@1001.service/app.slice/app-rlimit.slice/${unit}`;
}

/** A machine with 16 GiB and 4 CPUs, `available` percent of the memory free. */
export function machine(
  atMs: number,
  available: number,
  processes: readonly ProcessSample[] = [],
  more: Partial<MachineSample> = {},
): MachineSample {
  const total = 16 * GiB;
  const memory = {
    ...{ total, available: Math.round((total * available) / 100) },
    ...{ swapTotal: 0, swapFree: 0 },
  };
  return {
    ...{ atMs, time: BOOT + atMs, memory, cpu: { cpus: 4, busy: 0.5 } },
    ...{ disks: [], pressure: {}, gpus: [], units: [] },
    processes: [...SYSTEM, ...processes],
    ...more,
  };
}
