import { existsSync } from 'node:fs';
import type { Alert, AlertSeverity } from '../../model/index.js';
import { printable } from '../../text/index.js';
import { lineOf, titleOf } from '../words.js';
import { runProgram } from './program.js';
import type { AlertState, Sink } from './sink.js';

const TIMEOUT_MS = 10_000;

/** Where it is not, `logger --journald` says nothing and ends well: sd_journal_sendv(3) lets it pass. */
const SOCKET = '/run/systemd/journal/socket';

/** `journalctl MESSAGE_ID=…` finds all that was raised, and all that ended (journal-fields(7)). */
export const MESSAGE_IDS: Record<AlertState, string> = {
  raised: '6f1d2c1a9b8e4b0f8d5a3c7e2f4b6a90',
  ended: 'a3c95e07d1f24f6e9a0b7d8c1e5f2b34',
};

/** Priorities of syslog(3): critical, warning, informational. */
const PRIORITIES: Record<AlertSeverity, number> = { CRITICAL: 2, WARNING: 4 };
const PRIORITY_ENDED = 6;

/**
 * The journal with fields of our own by `logger --journald`; where that cannot be, the text alone through
 * /dev/log.
 */
export function journalSink(from: AlertSeverity): Sink {
  return {
    name: 'journal',
    from,
    send: async (alert, state) => {
      if (!existsSync(SOCKET)) {
        return runProgram(syslogLine(alert, state), { timeoutMs: TIMEOUT_MS });
      }
      try {
        const input = journalEntry(alert, state);
        await runProgram(['logger', '--journald'], { input, timeoutMs: TIMEOUT_MS });
      } catch (error) {
        await runProgram(syslogLine(alert, state), { timeoutMs: TIMEOUT_MS }).catch(() => {
          // The first reason tells more.
          throw error;
        });
      }
    },
  };
}

/**
 * An entry as `logger --journald` reads it: a field a line, `NAME=value`. No value has a line break, so
 * none can begin another field.
 */
export function journalEntry(alert: Alert, state: AlertState): string {
  const { id, rule, severity, subject, value, threshold, top, since, ended, lastedMs } = alert;
  const fields: Record<string, string | number | undefined> = {
    MESSAGE: `${titleOf(alert)}: ${lineOf(alert)}`,
    MESSAGE_ID: MESSAGE_IDS[state],
    PRIORITY: state === 'ended' ? PRIORITY_ENDED : PRIORITIES[severity],
    SYSLOG_IDENTIFIER: 'rlimit',
    RLIMIT_STATE: state,
    RLIMIT_ALERT: id,
    RLIMIT_RULE: rule,
    RLIMIT_SEVERITY: severity,
    RLIMIT_SUBJECT_KIND: subject.kind,
    RLIMIT_SUBJECT: subject.name,
    RLIMIT_VALUE: value,
    RLIMIT_THRESHOLD: threshold,
    RLIMIT_TOP_COMM: top?.comm,
    RLIMIT_TOP_PID: top?.pid,
    RLIMIT_SINCE: since,
    RLIMIT_ENDED: ended,
    RLIMIT_LASTED_MS: lastedMs,
  };
  return Object.entries(fields)
    .filter(([, text]) => text !== undefined && text !== '')
    .map(([name, text]) => `${name}=${printable(String(text))}\n`)
    .join('');
}

function syslogLine(alert: Alert, state: AlertState): string[] {
  const level = state === 'ended' ? 'info' : alert.severity === 'CRITICAL' ? 'crit' : 'warning';
  return [
    'logger',
    '--tag',
    'rlimit',
    '--priority',
    `user.${level}`,
    '--',
    `${titleOf(alert)}: ${lineOf(alert)}`,
  ];
}
