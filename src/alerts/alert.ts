/** Alerts as data. Pure. */
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
  return { version: 1, id: `${parts.since.toString(36)}-${digest(about)}`, ...parts };
}

/**
 * FNV-1a of 32 bits (RFC 9923), as eight hexadecimal digits. It only tells alerts of one moment apart, and
 * the guard, which has to be small, does without node:crypto.
 */
function digest(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** An alert of something that happened at one moment: over as soon as it is told. */
export function momentary(parts: AlertParts, key?: string): Alert {
  return { ...makeAlert(parts, key), ended: parts.since, lastedMs: 0 };
}
