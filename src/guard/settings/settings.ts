/** What the guard goes by: one file, whose every key has a default. Plain data, without a parser. */

/** Processes that are kept alive, and the slice that they are put into. */
export interface CgroupSettings {
  /** Name of the slice, in the manager of whoever runs the guard. */
  name: string;
  /** MemoryLow in bytes. */
  memory_low: number;
  cpu_weight: number;
  io_weight: number;
}

/** The last resort before the kernel's own: free memory in percent of the machine's. */
export interface BackstopSettings {
  enabled: boolean;
  /** MemAvailable at or below which the victim gets SIGTERM, and SIGKILL. */
  term_percent: number;
  kill_percent: number;
  /** It acts only where at most this part of the swap is free; 100: swap is left out of account. */
  swap_percent: number;
  /** What holds less than this part of the memory is not worth ending. */
  least_percent: number;
  /** Exact names of processes: ended last, and first. */
  avoid: string[];
  prefer: string[];
  yield_to_earlyoom: boolean;
}

/** What is tried before, at these percentages of available memory. */
export interface GraduatedSettings {
  enabled: boolean;
  warn_percent: number;
  /** Runs with a jobserver start fewer jobs. */
  tokens_percent: number;
  /** The youngest limited run is frozen. */
  freeze_percent: number;
  /** So many points above its threshold a step is taken back, once that has held for `calm_seconds`. */
  hysteresis_percent: number;
  calm_seconds: number;
  /** No run is frozen for longer, nor again before `freeze_pause_seconds`. */
  freeze_seconds: number;
  freeze_pause_seconds: number;
}

/** The breaker of stalls between memory.high and memory.max. */
export interface LivelockSettings {
  enabled: boolean;
  after_seconds: number;
  /** `raise` lifts memory.high where memory.max holds; `kill` ends the largest process. */
  action: 'warn' | 'raise' | 'kill';
}

/** All of it. The sections with underscores have the names and the shape of oom_protector's file. */
export interface GuardSettings {
  cgroup_settings: CgroupSettings;
  managed_processes: string[];
  gpu_protection: { enabled: boolean; memory_threshold_percent: number };
  nvidia_monitor: {
    enabled: boolean;
    set_performance_mode: boolean;
    check_driver_updates: boolean;
  };
  ebpf_monitor: { enabled: boolean; allocation_threshold_mb_per_sec: number };
  dynamic_adjustment: { enabled: boolean; count: number; score: number };
  machine_learning: { data_collection: boolean; log_path: string };
  logging: { json_logs: boolean };
  /** Seconds from one full look to the next; near a threshold it looks more often by itself. */
  interval: number;
  backstop: BackstopSettings;
  graduated: GraduatedSettings;
  livelock: LivelockSettings;
}

/** In force where there is no file, and for every key that a file does not have. */
export const DEFAULT_SETTINGS: GuardSettings = {
  cgroup_settings: {
    name: 'oom_protector.slice',
    memory_low: 209_715_200,
    cpu_weight: 150,
    io_weight: 150,
  },
  managed_processes: ['windsurf', 'code', 'subl', 'vim', 'nvim', 'go'],
  gpu_protection: { enabled: true, memory_threshold_percent: 90 },
  nvidia_monitor: { enabled: true, set_performance_mode: true, check_driver_updates: true },
  ebpf_monitor: { enabled: true, allocation_threshold_mb_per_sec: 100 },
  dynamic_adjustment: { enabled: true, count: 3, score: 700 },
  machine_learning: { data_collection: false, log_path: '/var/log/oom_protector_ml_data.csv' },
  logging: { json_logs: true },
  interval: 1,
  backstop: {
    enabled: true,
    term_percent: 5,
    kill_percent: 3,
    swap_percent: 100,
    least_percent: 1,
    avoid: [
      ...['Xorg', 'Xwayland', 'gnome-shell', 'kwin_wayland', 'kwin_x11', 'plasmashell', 'sway'],
      ...['libvirtd', 'qemu-system-x86', 'k3s', 'kubelet'],
    ],
    prefer: ['python3', 'node', 'chrome'],
    yield_to_earlyoom: true,
  },
  graduated: {
    enabled: true,
    warn_percent: 15,
    tokens_percent: 12,
    freeze_percent: 8,
    hysteresis_percent: 3,
    calm_seconds: 10,
    freeze_seconds: 60,
    freeze_pause_seconds: 300,
  },
  livelock: { enabled: true, after_seconds: 10, action: 'raise' },
};
