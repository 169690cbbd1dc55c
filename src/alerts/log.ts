/** The alert log: one JSON object a line, each time something changes (src/state/append.ts). */
import type { Alert } from '../model/index.js';
import { isMoment, isNumber, isObject, isText, isTexts, optional } from '../state/check.js';
import { parseJson, readGenerations, type SkippedLine, stateFile } from '../state/index.js';

/** $XDG_STATE_HOME/rlimit/alerts.jsonl, or ~/.local/state/rlimit/alerts.jsonl. */
export function alertLogFile(env: NodeJS.ProcessEnv = process.env): string {
  return stateFile('alerts.jsonl', env);
}

/** Which alerts are wanted; what is absent does not matter. */
export interface AlertSelection {
  rule?: string;
  /** Milliseconds since the epoch: those that began or ended then or later, and those that are open. */
  since?: number;
}

/** Alerts by the time of their beginning, each once as it is known last, and lines that are none. */
export interface AlertLog {
  alerts: Alert[];
  skipped: SkippedLine[];
}

/**
 * Reads the log, the old generation first. Lines that are torn or not ours are passed over.
 * @throws {UnavailableError} when a file is there and cannot be read
 */
export function readAlerts(file = alertLogFile(), selection: AlertSelection = {}): AlertLog {
  const alerts = new Map<string, Alert>();
  const skipped: SkippedLine[] = [];
  for (const { path, text } of readGenerations(file, 'the alert log')) {
    for (const [index, line] of text.split('\n').entries()) {
      if (line === '') continue;
      try {
        const alert = parseAlert(line);
        alerts.set(alert.id, alert);
      } catch (error) {
        skipped.push({ file: path, line: index + 1, why: (error as Error).message });
      }
    }
  }
  const wanted = [...alerts.values()].filter((alert) => isWanted(alert, selection));
  return { alerts: wanted.sort((a, b) => a.since - b.since), skipped };
}

/** Whether an alert fits. */
export function isWanted({ rule, since, ended }: Alert, selection: AlertSelection): boolean {
  if (selection.rule !== undefined && selection.rule !== rule) return false;
  return selection.since === undefined || Math.max(since, ended ?? since) >= selection.since;
}

/**
 * Reads one line.
 * @throws {Error} saying what is wrong with it
 */
export function parseAlert(line: string): Alert {
  const data = parseJson(line);
  if (!isObject(data)) throw new Error('it is not an alert');
  if (data.version !== 1) throw new Error(`its version is ${JSON.stringify(data.version)}, not 1`);
  for (const [field, check] of Object.entries(FIELDS)) {
    if (!check(data[field])) throw new Error(`its field ${field} is missing or of a wrong type`);
  }
  return data as unknown as Alert;
}

/** Rules that a later rlimit may add are let pass. */
const FIELDS: Record<Exclude<keyof Alert, 'version'>, (value: unknown) => boolean> = {
  id: isText,
  rule: isText,
  severity: (value) => value === 'WARNING' || value === 'CRITICAL',
  subject: (value) => isObject(value) && isText(value.kind) && isText(value.name),
  value: optional(isNumber),
  threshold: optional(isNumber),
  says: isText,
  facts: isTexts,
  top: optional(
    (value) =>
      isObject(value) &&
      isNumber(value.pid) &&
      isText(value.comm) &&
      optional(isNumber)(value.bytes) &&
      optional(isNumber)(value.cores),
  ),
  since: isMoment,
  ended: optional(isMoment),
  lastedMs: optional(isNumber),
};
