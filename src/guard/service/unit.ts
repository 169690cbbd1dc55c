/** The text of the guard's unit file. Pure. */
import type { ManagerKind } from '../../systemd/client.js';
import { commandLine, setting, unitText } from '../../units/index.js';

/** Name of the service, in either manager. */
export const GUARD_UNIT = 'rlimit-guard.service';

/** What the guard will do there, which decides what it is allowed to. */
export interface ServiceNeeds {
  manager: ManagerKind;
  /** The line that starts it: an absolute program and its arguments. */
  argv: readonly string[];
  /** Directories for PATH besides systemd's own, where `node` lies somewhere else. */
  path: readonly string[];
  /** Absolute directories that it writes logs into; what is not there is no failure. */
  writable: readonly string[];
  /** Allocation rates by bpftrace. */
  ebpf: boolean;
  /** NVIDIA GPUs are looked at and their processes ended. */
  gpu: boolean;
  /** Settings of the driver are changed. */
  gpuSettings: boolean;
}

/** systemd's own search path for services (systemd.exec(5), Environment=). */
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Beginning of the first line of a unit that is ours, edited or not. */
export const WRITTEN_BY = '# Written by `rlimit guard install`';

/** The unit file as systemd.unit(5) wants it. */
export function guardUnit(needs: ServiceNeeds): string {
  const isSystem = needs.manager === 'system';
  return unitText(
    [
      `${WRITTEN_BY.slice(2)}; \`rlimit guard uninstall\` removes it.`,
      'To change a setting: systemctl edit. A file edited by hand is kept as a backup.',
    ],
    [
      [
        'Unit',
        [
          'Description=Guard of this machine’s memory (rlimit)',
          ...(isSystem ? ['After=dbus.socket systemd-tmpfiles-setup.service'] : []),
          // A guard that fails again and again is not started for ever.
          'StartLimitIntervalSec=5min',
          'StartLimitBurst=5',
        ],
      ],
      [
        'Service',
        [
          ...running(needs),
          '',
          ...(isSystem ? resources() : userResources()),
          '',
          ...(isSystem ? confinement(needs) : userConfinement()),
        ],
      ],
      ['Install', [`WantedBy=${isSystem ? 'multi-user.target' : 'default.target'}`]],
    ],
  );
}

function running({ manager, argv, path }: ServiceNeeds): string[] {
  const search =
    path.length === 0 ? [] : [setting('Environment', `PATH=${path.join(':')}:${SYSTEM_PATH}`)];
  return [
    'Type=notify',
    // systemd-notify(1) is a process of its own.
    'NotifyAccess=all',
    'WatchdogSec=30s',
    `ExecStart=${commandLine(argv)}`,
    'ExecReload=/bin/kill -HUP $MAINPID',
    ...search,
    'Restart=on-failure',
    'RestartSec=2s',
    // A settings file that is wrong does not become right by itself.
    'RestartPreventExitStatus=2',
    // The guard ends its own children, and then puts back what it changed.
    'KillMode=mixed',
    'TimeoutStartSec=90s',
    'TimeoutStopSec=60s',
    // The watchdog ends it by SIGABRT, of which Node would dump its memory.
    'LimitCORE=0',
    ...(manager === 'system' ? RUNTIME : []),
  ];
}

/**
 * Its journal, which outlives a guard that was killed: it says what is to be put back. All may read it
 * (`guard status`, and the runs that obey a cap on tokens).
 */
const RUNTIME = ['RuntimeDirectory=rlimit-guard', 'RuntimeDirectoryPreserve=yes', 'UMask=0022'];

function resources(): string[] {
  return [
    '# memory.min counts only as far as all cgroups above have it (cgroup-v2, Memory Interface Files), and',
    '# system.slice has none: so it stands below the root, where nothing takes from it.',
    'Slice=-.slice',
    'MemoryMin=96M',
    'MemorySwapMax=0',
    'OOMScoreAdjust=-900',
    '# A child that is killed for memory is no reason to stop.',
    'OOMPolicy=continue',
    'ManagedOOMPreference=omit',
    'CPUWeight=500',
    'TasksMax=128',
  ];
}

function userResources(): string[] {
  return [
    '# MemoryMin and a negative OOMScoreAdjust are for root to give: the cgroups above a user’s have no',
    '# memory.min, so one here would count for nothing.',
    'MemorySwapMax=0',
    'OOMPolicy=continue',
    'CPUWeight=500',
    'TasksMax=128',
  ];
}

/** What a user’s manager can confine without taking away what the guard does for that user. */
function userConfinement(): string[] {
  return [
    'NoNewPrivileges=yes',
    'LockPersonality=yes',
    'RestrictRealtime=yes',
    'RestrictSUIDSGID=yes',
    'SystemCallArchitectures=native',
  ];
}

function confinement(needs: ServiceNeeds): string[] {
  const { writable, gpu } = needs;
  return [
    setting('CapabilityBoundingSet', ...capabilities(needs)),
    'NoNewPrivileges=yes',
    'ProtectSystem=strict',
    'ProtectHome=read-only',
    ...(writable.length === 0
      ? []
      : [setting('ReadWritePaths', ...writable.map((directory) => `-${directory}`))]),
    ...(gpu ? GPU_DEVICES : NO_DEVICES),
    'ProtectHostname=yes',
    'ProtectKernelModules=yes',
    'ProtectKernelLogs=yes',
    '# /proc/sys and /sys read-only; the cgroups below /sys/fs/cgroup stay writable.',
    'ProtectKernelTunables=yes',
    'LockPersonality=yes',
    'RestrictNamespaces=yes',
    'RestrictRealtime=yes',
    'RestrictSUIDSGID=yes',
    '# Besides the bus: alerts may call a command of yours that speaks to a network.',
    'RestrictAddressFamilies=AF_UNIX AF_NETLINK AF_INET AF_INET6',
    'SystemCallArchitectures=native',
    'SystemCallFilter=@system-service',
    ...(needs.ebpf ? ['SystemCallFilter=bpf perf_event_open'] : []),
    'SystemCallErrorNumber=EPERM',
  ];
}

/**
 * capabilities(7). KILL: processes of all users. SYS_RESOURCE: a lower oom_score_adj. DAC_OVERRIDE: the
 * cgroup.freeze, cgroup.kill and oom_score_adj of users are theirs. SYS_PTRACE: whose files a process has
 * open (/proc/PID/fd). BPF and PERFMON (Linux 5.8): bpftrace. SYS_ADMIN: under
 * kernel.perf_event_paranoid=3 or more (Debian, Ubuntu) perf_event_open(2) wants it for every event,
 * and bpftrace attaches by one (seen with BPF and PERFMON alone: "Error attaching probe"); and NVIDIA's
 * driver takes settings from nobody else (nvidia-smi -pm, -ac).
 */
function capabilities({ ebpf, gpuSettings }: ServiceNeeds): string[] {
  return [
    ...['CAP_KILL', 'CAP_SYS_RESOURCE', 'CAP_DAC_OVERRIDE', 'CAP_SYS_PTRACE'],
    ...(ebpf ? ['CAP_BPF', 'CAP_PERFMON'] : []),
    ...(ebpf || gpuSettings ? ['CAP_SYS_ADMIN'] : []),
  ];
}

/** Without /dev/nvidia* there is no nvidia-smi, and any DeviceAllow= (ProtectClock= is one) hides them. */
const GPU_DEVICES = ['# /dev/nvidia* and the X server’s socket in /tmp are needed for GPUs.'];
const NO_DEVICES = ['PrivateDevices=yes', 'PrivateTmp=yes', 'ProtectClock=yes'];
