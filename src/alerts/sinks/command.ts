import type { Alert } from '../../model/index.js';
import { printable } from '../../text/index.js';
import type { SinkSettings } from '../settings.js';
import { lineOf } from '../words.js';
import { runProgram } from './program.js';
import type { AlertState, Sink } from './sink.js';

/** A program of the user's: the alert as JSON on its stdin, and as variables. */
export function commandSink({ from, argv, timeoutMs }: NonNullable<SinkSettings['command']>): Sink {
  return {
    name: 'command',
    from,
    send: async (alert, state) => {
      const env = { ...process.env, ...variables(alert, state) };
      await runProgram(argv, { input: `${JSON.stringify({ state, ...alert })}\n`, env, timeoutMs });
    },
  };
}

/** RLIMIT_ALERT_…: names of others in them are printable, but no less to be quoted in a shell. */
export function variables(alert: Alert, state: AlertState): Record<string, string> {
  const { id, rule, severity, subject, value, threshold, top, since } = alert;
  const fields: Record<string, string | number | undefined> = {
    STATE: state,
    ID: id,
    RULE: rule,
    SEVERITY: severity,
    SUBJECT_KIND: subject.kind,
    SUBJECT: subject.name,
    VALUE: value,
    THRESHOLD: threshold,
    TOP_COMM: top?.comm,
    TOP_PID: top?.pid,
    SINCE: new Date(since).toISOString(),
    TEXT: lineOf(alert),
  };
  const entries = Object.entries(fields).filter(([, text]) => text !== undefined);
  return Object.fromEntries(
    entries.map(([name, text]) => [`RLIMIT_ALERT_${name}`, printable(String(text))]),
  );
}
