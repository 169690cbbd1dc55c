import type { Alert, AlertSeverity } from '../../model/index.js';
import { printable } from '../../text/index.js';
import { isOver, titleOf, topOf } from '../words.js';
import { runProgram } from './program.js';
import type { AlertState, Sink } from './sink.js';

const TIMEOUT_MS = 10_000;

/** Notifications on the desktop; the end of an alert is not shown. */
export function desktopSink(from: AlertSeverity): Sink {
  return {
    name: 'desktop',
    from,
    send: async (alert, state) => {
      const argv = notification(alert, state);
      if (argv !== undefined) await runProgram(argv, { timeoutMs: TIMEOUT_MS });
    },
  };
}

/**
 * The line for notify-send; absent where nothing is to be shown. The body is markup (Desktop Notifications
 * Specification), and notify-send reads escapes of C in it (g_strcompress): a process could otherwise
 * name itself a link or a control character.
 */
export function notification(alert: Alert, state: AlertState): string[] | undefined {
  if (state === 'ended' || isOver(alert)) return undefined;
  const isCritical = alert.severity === 'CRITICAL';
  const lines = [alert.says, ...topOf(alert), ...alert.facts].map(printable);
  return [
    ...['notify-send', '--app-name=rlimit'],
    `--urgency=${isCritical ? 'critical' : 'normal'}`,
    `--icon=${isCritical ? 'dialog-error' : 'dialog-warning'}`,
    ...['--', `rlimit: ${titleOf(alert)}`, lines.map(escaped).join('\n')],
  ];
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('\\', '\\\\');
}
