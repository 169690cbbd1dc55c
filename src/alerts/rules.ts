/**
 * Which alerts there are, from samples: pure, so that every alert can be replayed from a recorded trace.
 * No clock, no chance, no file.
 */
import type {
  Alert,
  AlertChanges,
  AlertSeverity,
  MachineSample,
  MemoryKill,
} from '../model/index.js';
import { makeAlert, momentary } from './alert.js';
import { percent } from './figures.js';
import { KillRule } from './kills.js';
import { Level, type LevelSettings } from './level.js';
import { livelockReadings, StallWatches } from './livelock.js';
import { READINGS, type Reading, type Told } from './readings.js';
import {
  DEFAULT_RULES,
  type RuleSettings,
  type ThresholdId,
  type ThresholdSettings,
} from './settings.js';

/** One rule on one subject. */
interface Track {
  levels: Partial<Record<AlertSeverity, Level>>;
  alert?: { told: Alert; sinceMs: number };
}

const SEVERITIES = ['CRITICAL', 'WARNING'] as const;

/** Follows the values of every rule, sample by sample. */
export class AlertRules {
  readonly #settings: RuleSettings;
  readonly #tracks = new Map<string, Track>();
  readonly #kills: KillRule;
  readonly #stalls = new StallWatches();
  #lastMs: number | undefined;

  constructor(settings: RuleSettings = DEFAULT_RULES) {
    this.#settings = settings;
    this.#kills = new KillRule(settings);
  }

  /**
   * Takes the next sample.
   * @param kills what the journal says of kills since the sample before (`KillReader`)
   * @returns alerts that begin or become worse with it, and those that are over
   */
  see(sample: MachineSample, kills: readonly MemoryKill[] = []): AlertChanges {
    const changes: AlertChanges = { raised: [], ended: [] };
    const seen = new Set<string>();
    this.#silence(sample, changes);
    const { thresholds, events } = this.#settings;
    for (const [id, settings] of Object.entries(thresholds) as [ThresholdId, ThresholdSettings][]) {
      for (const reading of READINGS[id](sample)) {
        this.#follow({ id, settings, reading }, { sample, changes, seen });
      }
    }
    if (events.has('livelock')) {
      for (const reading of livelockReadings(this.#stalls, sample)) {
        const settings = { critical: 1, forMs: 0 };
        this.#follow({ id: 'livelock', settings, reading }, { sample, changes, seen });
      }
    }
    if (events.has('killed')) changes.raised.push(...this.#kills.see(sample, kills));
    this.#endVanished(sample, seen, changes);
    return changes;
  }

  /** Alerts that are not over. */
  get open(): Alert[] {
    return [...this.#tracks.values()].flatMap(({ alert }) => (alert ? [alert.told] : []));
  }

  /** How many things it remembers: bounded by what the sample holds, and what was told lately. */
  get remembered(): number {
    return this.#tracks.size + this.#kills.remembered + this.#stalls.size;
  }

  #follow(
    { id, settings, reading }: Followed,
    { sample, changes, seen }: { sample: MachineSample; changes: AlertChanges; seen: Set<string> },
  ): void {
    const key = `${id}\0${reading.key}`;
    seen.add(key);
    const track = this.#tracks.get(key) ?? newTrack(settings);
    this.#tracks.set(key, track);
    let worst: AlertSeverity | undefined;
    for (const severity of SEVERITIES) {
      const level = this.#level(id, settings, severity);
      const change = level && track.levels[severity]?.see(reading.value, sample.atMs, level);
      if (change === 'raised') worst ??= severity;
    }
    const isOpen = SEVERITIES.some((severity) => track.levels[severity]?.isOver);
    const before = track.alert;
    if (worst === 'WARNING' && id === 'memory' && this.#isToldByGuard(sample)) return;
    if (worst !== undefined && (before === undefined || worst === 'CRITICAL')) {
      const told = alertOf({ id, settings, reading, severity: worst }, sample, before?.told);
      track.alert = { told, sinceMs: before?.sinceMs ?? sample.atMs };
      changes.raised.push(told);
    } else if (before !== undefined && !isOpen) {
      changes.ended.push(ended(before, sample));
      delete track.alert;
    }
  }

  /** The guard warns of the same memory, in the same places, and sees it sooner. */
  #isToldByGuard({ guards = [], atMs }: MachineSample): boolean {
    const { quietMs } = this.#settings;
    return guards.some(
      ({ tells, warnedMs }) => tells && warnedMs !== undefined && atMs - warnedMs < quietMs,
    );
  }

  #level(
    id: string,
    settings: ThresholdSettings,
    severity: AlertSeverity,
  ): LevelSettings | undefined {
    const threshold = severity === 'WARNING' ? settings.warning : settings.critical;
    if (threshold === undefined) return undefined;
    const { margin, endMs, quietMs, gapMs } = this.#settings;
    // Of a yes or no there is no nearly.
    const own = id === 'livelock' ? 0.5 : Math.min(margin, threshold / 2);
    return { threshold, margin: own, forMs: settings.forMs, endMs, quietMs, gapMs };
  }

  /** What is not in the sample any more has no use left; only when it was told last is kept for a while. */
  #endVanished(sample: MachineSample, seen: ReadonlySet<string>, changes: AlertChanges): void {
    for (const [key, track] of this.#tracks) {
      if (seen.has(key)) continue;
      if (track.alert !== undefined) {
        const over = ended(track.alert, sample);
        changes.ended.push({ ...over, facts: ['it is gone', ...over.facts] });
        delete track.alert;
      }
      const levels = Object.values(track.levels);
      for (const level of levels) level.end();
      const { quietMs } = this.#settings;
      if (levels.every((level) => level.isForgettable(sample.atMs, quietMs)))
        this.#tracks.delete(key);
    }
  }

  /** Without samples nobody watched: the machine stood still, or we did. Time asleep does not count. */
  #silence(sample: MachineSample, changes: AlertChanges): void {
    const passed = this.#lastMs === undefined ? 0 : sample.atMs - this.#lastMs;
    this.#lastMs = sample.atMs;
    const { events, silenceMs } = this.#settings;
    if (!events.has('silence') || passed < silenceMs) return;
    const seconds = Math.round(passed / 1000);
    changes.raised.push(
      momentary({
        rule: 'silence',
        severity: 'WARNING',
        subject: { kind: 'machine', name: '' },
        value: seconds,
        threshold: silenceMs / 1000,
        says: `nothing was watched for ${seconds} s: the machine stood still, or this watch was stopped`,
        facts: [],
        since: sample.time,
      }),
    );
  }
}

interface Followed {
  id: ThresholdId | 'livelock';
  settings: ThresholdSettings;
  reading: Reading;
}

function newTrack({ warning, critical }: ThresholdSettings): Track {
  return {
    levels: {
      ...(warning === undefined ? {} : { WARNING: new Level() }),
      ...(critical === undefined ? {} : { CRITICAL: new Level() }),
    },
  };
}

function alertOf(
  { id, settings, reading, severity }: Followed & { severity: AlertSeverity },
  sample: MachineSample,
  before: Alert | undefined,
): Alert {
  const threshold = severity === 'WARNING' ? settings.warning : settings.critical;
  const { says, facts, top }: Told = reading.tell();
  const alert = makeAlert(
    {
      rule: id,
      severity,
      subject: reading.subject,
      says: id === 'livelock' ? says : `${says}, ${severity} from ${percent(threshold ?? 0)} on`,
      facts,
      ...(top === undefined ? {} : { top }),
      ...(reading.value === undefined ? {} : { value: reading.value }),
      ...(threshold === undefined ? {} : { threshold }),
      since: before?.since ?? sample.time,
    },
    reading.key,
  );
  return before === undefined ? alert : { ...alert, id: before.id };
}

function ended({ told, sinceMs }: { told: Alert; sinceMs: number }, sample: MachineSample): Alert {
  return { ...told, ended: sample.time, lastedMs: Math.max(0, Math.round(sample.atMs - sinceMs)) };
}
