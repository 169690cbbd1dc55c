/**
 * Every trouble rlimit knows by name. inspect, doctor, prove and the lints of profiles tell the same
 * trouble under the same name; `src/catalogue` says of each what it is and why it matters.
 */
export type TroubleId =
  | 'ancestor-tighter'
  | 'budget-set-elsewhere'
  | 'changed-since'
  | 'controller-not-delegated'
  | 'controller-not-enabled'
  | 'experiment-not-carried-out'
  | 'held-by-affinity'
  | 'held-by-niceness'
  | 'io-weight-without-scheduler'
  | 'kernel-differs'
  | 'limit-not-enforced'
  | 'livelock'
  | 'livelock-zone'
  | 'machine-short-of-memory'
  | 'needs-systemd'
  | 'no-cgroup'
  | 'no-kernel-file'
  | 'no-swap-accounting'
  | 'not-for-unit-type'
  | 'oom-daemon-did-not-act'
  | 'oomd-with-swap-zero'
  | 'systemd-too-old'
  | 'unreadable-kernel-file'
  | 'watcher-gone';
