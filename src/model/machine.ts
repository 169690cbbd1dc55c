/** A cgroup v2 controller that a resource-control property may need. */
export type Controller = 'cpu' | 'cpuset' | 'io' | 'memory' | 'pids';

/** What swap lies on, from fast to slow: compressed memory, flash, a disk with heads. */
export type SwapMedium = 'zram' | 'solid-state' | 'rotational';

/** What a computer has, as far as limits are concerned. Unknown fields are absent, never zero. */
export interface Machine {
  /** Physical cores that this process may use. */
  cores: number;
  /** Logical CPUs that this process may use. */
  cpus: number;
  /** MemTotal in bytes. */
  memory: number;
  /** SwapTotal in bytes; 0 means that the machine has no swap. */
  swap: number;
  /** The slowest that any of its swap lies on. */
  swapOn?: SwapMedium;
  /** Major version of the running service manager (252, 257 …). */
  systemd?: number;
  /** Controllers that units of the user's service manager can have. */
  controllers?: readonly Controller[];
}
