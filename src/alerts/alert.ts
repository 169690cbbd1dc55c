/** Alerts as data. Pure. */
import { createHash } from 'node:crypto';
import type { Alert } from '../model/index.js';

/** An alert without what is reckoned from it. */
export type AlertParts = Omit<Alert, 'version' | 'id'>;

/**
 * Makes an alert. Its id begins with its time, so that ids sort, and follows from what it is about: a
 * trace that is replayed gives the same ids.
 * @param key tells subjects of one name apart
 */
export function makeAlert(parts: AlertParts, key = parts.subject.name): Alert {
  const about = [parts.rule, parts.subject.kind, key, parts.since].join('\0');
  const digest = createHash('sha256').update(about).digest('hex').slice(0, 8);
  return { version: 1, id: `${parts.since.toString(36)}-${digest}`, ...parts };
}

/** An alert of something that happened at one moment: over as soon as it is told. */
export function momentary(parts: AlertParts, key?: string): Alert {
  return { ...makeAlert(parts, key), ended: parts.since, lastedMs: 0 };
}
