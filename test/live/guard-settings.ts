/** Settings of a guard that does nothing by itself. */

/** Without what a test does not want, so that nothing of the machine is touched beside it. */
export const QUIET = {
  managed_processes: [] as string[],
  dynamic_adjustment: { enabled: false, count: 1 },
  backstop: { enabled: false },
  graduated: { enabled: false },
  livelock: { enabled: false },
  ebpf_monitor: { enabled: false },
  gpu_protection: { enabled: false },
  nvidia_monitor: { enabled: false },
  interval: 0.3,
};
