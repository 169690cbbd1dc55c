/**
 * Every rule that can raise an alert: thresholds, counters, `verify` (the daily look of the timer) and
 * `guard` (what the guard did).
 */
export type AlertRuleId =
  | 'cpu'
  | 'disk'
  | 'gpu-memory'
  | 'gpu-utilisation'
  | 'guard'
  | 'killed'
  | 'livelock'
  | 'memory'
  | 'pressure'
  | 'service-memory'
  | 'silence'
  | 'swap'
  | 'unit-memory'
  | 'unit-pressure'
  | 'verify';

export type AlertSeverity = 'WARNING' | 'CRITICAL';

/** What an alert is about. Names come from outside: hostile until printable(). */
export interface AlertSubject {
  kind: 'machine' | 'unit' | 'disk' | 'gpu' | 'process';
  /** Name of the unit, mount point, `0 NVIDIA A100`, comm; of the machine its host name or nothing. */
  name: string;
}

/** The process that uses most of what an alert is about. */
export interface AlertProcess {
  pid: number;
  /** Hostile until printable(). */
  comm: string;
  /** What it uses: resident and swapped bytes, or cores. */
  bytes?: number;
  cores?: number;
}

/**
 * Something that somebody should know of. Plain data, as it stands in the alert log: one object when it
 * is raised, the same again (with the same id) when its severity rises, and once more when it has ended.
 */
export interface Alert {
  version: 1;
  /** The same from the rise to the end; unlike that of any other alert. */
  id: string;
  rule: AlertRuleId;
  severity: AlertSeverity;
  subject: AlertSubject;
  /**
   * What was seen, and from where on it is too much: parts (0 to 1) of the whole; a number of kills or of
   * findings; seconds of silence.
   */
  value?: number;
  threshold?: number;
  /** One sentence: what is wrong, with its figures. Hostile names in it until printable(). */
  says: string;
  /** What else helps to judge: swap use, pressure, the limit. Likewise. */
  facts: string[];
  top?: AlertProcess;
  /** Milliseconds since the epoch, by the wall clock: for people. */
  since: number;
  /** When it was over; for what happened at one moment the same as `since`. */
  ended?: number;
  /** How long it lasted, by a clock that nobody sets. */
  lastedMs?: number;
}

/** What changed at one look. */
export interface AlertChanges {
  /** New ones, and those whose severity rose. */
  raised: Alert[];
  ended: Alert[];
}

/** Somebody ended a process for lack of memory. */
export interface MemoryKill {
  by: 'kernel' | 'systemd-oomd' | 'earlyoom' | 'guard';
  /** The limit that was hit was that of a cgroup (of the unit, or one above it), not the machine's. */
  inUnit?: boolean;
  /** Unit of the victim, and its cgroup. */
  unit?: string;
  cgroup?: string;
  /** Absent where whole units are killed, or where it cannot be read. */
  pid?: number;
  comm?: string;
  /** Bytes it had. */
  memory?: number;
  /** Milliseconds since the epoch. */
  time: number;
}
