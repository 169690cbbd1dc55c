/** What decides on alerts and where they go, with the defaults. */
import type { AlertSeverity } from '../model/index.js';

/** Rules on a value with thresholds; `readings.ts` says what the value is. */
export const THRESHOLD_IDS = [
  ...(['memory', 'cpu', 'disk', 'swap', 'unit-memory', 'service-memory'] as const),
  ...(['pressure', 'unit-pressure', 'gpu-memory', 'gpu-utilisation'] as const),
];
export type ThresholdId = (typeof THRESHOLD_IDS)[number];

/** From which part of the whole on (0 to 1) there is an alert, and after how long. */
export interface ThresholdSettings {
  warning?: number;
  critical?: number;
  forMs: number;
}

/** Rules on what happens; they are on or off. */
export const EVENT_RULES = ['guard', 'killed', 'livelock', 'silence'] as const;
export type EventRuleId = (typeof EVENT_RULES)[number];

export interface RuleSettings {
  /** A rule that is off is absent. */
  thresholds: Partial<Record<ThresholdId, ThresholdSettings>>;
  events: ReadonlySet<EventRuleId>;
  /** So far below its threshold (parts), for so long, and an alert is over. */
  margin: number;
  endMs: number;
  /** The same alert is not raised again within this time. */
  quietMs: number;
  /** So long without a sample is an alert of its own. */
  silenceMs: number;
  /** Longer between two samples, and durations begin anew. */
  gapMs: number;
}

/** Where alerts go. A sink that is off is absent; a severity is the least one it takes. */
export interface SinkSettings {
  desktop?: { from: AlertSeverity };
  journal?: { from: AlertSeverity };
  log?: { from: AlertSeverity; file?: string; limitBytes: number };
  command?: { from: AlertSeverity; argv: string[]; timeoutMs: number };
}

export interface AlertSettings {
  rules: RuleSettings;
  sinks: SinkSettings;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/**
 * CPU only after two minutes: a build
 * is to use the machine. Pressure: systemd-oomd acts at 60 % (oomd.conf(5)); a stall between MemoryHigh and
 * MemoryMax was seen at 80 %; a machine that only swaps a little stays below 10 %.
 */
export const DEFAULT_RULES: RuleSettings = {
  thresholds: {
    memory: { warning: 0.85, critical: 0.9, forMs: 0 },
    cpu: { warning: 0.9, forMs: 2 * MINUTE },
    disk: { warning: 0.9, forMs: 0 },
    swap: { warning: 0.7, forMs: 0 },
    'unit-memory': { warning: 0.9, forMs: 0 },
    'service-memory': { warning: 0.9, critical: 0.95, forMs: 0 },
    pressure: { warning: 0.1, critical: 0.4, forMs: MINUTE },
    'unit-pressure': { warning: 0.4, forMs: MINUTE },
    'gpu-memory': { warning: 0.9, forMs: 0 },
  },
  events: new Set(EVENT_RULES),
  margin: 0.05,
  endMs: MINUTE,
  quietMs: 5 * MINUTE,
  silenceMs: 5 * MINUTE,
  gapMs: 3 * MINUTE,
};

/** Some ten thousand alerts. */
export const LOG_LIMIT = 4 * 1024 ** 2;

export const COMMAND_TIMEOUT_MS = 10 * SECOND;

/** Root has no desktop. */
export function defaultSinks(uid = process.geteuid?.() ?? 0): SinkSettings {
  return {
    ...(uid === 0 ? {} : { desktop: { from: 'WARNING' as const } }),
    journal: { from: 'WARNING' },
    log: { from: 'WARNING', limitBytes: LOG_LIMIT },
  };
}
