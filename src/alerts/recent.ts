import { statSync } from 'node:fs';
import type { Alert } from '../model/index.js';
import { alertLogFile, readAlerts } from './log.js';

/** Older ones are no news. */
const NEWS_MS = 24 * 3_600_000;

/** The latest alerts for a display that asks again and again: the log is read only when it has changed. */
export class RecentAlerts {
  readonly #file: string;
  #seen: string | undefined;
  #alerts: Alert[] = [];

  constructor(file = alertLogFile()) {
    this.#file = file;
  }

  /**
   * Those of the last day, the newest last; none where the log cannot be read.
   * @param now milliseconds since the epoch
   */
  read(now = Date.now()): Alert[] {
    const stats = statSync(this.#file, { throwIfNoEntry: false, bigint: true });
    const seen = stats && `${stats.ino} ${stats.size} ${stats.mtimeNs}`;
    if (seen !== this.#seen) {
      this.#seen = seen;
      this.#alerts = this.#readLog(now - NEWS_MS);
    }
    return this.#alerts;
  }

  #readLog(since: number): Alert[] {
    try {
      return readAlerts(this.#file, { since }).alerts;
    } catch {
      return [];
    }
  }
}
