import { isOver, lineOf, titleOf } from '../alerts/words.js';
import type { Alert } from '../model/index.js';
import { printable } from '../text/index.js';
import { humanTime, shortMoment } from './figures.js';
import { cut, paragraph, style, textWidth } from './style.js';
import { table } from './table.js';

/** Alerts, the newest last. */
export function renderAlerts(alerts: readonly Alert[], now = Date.now()): string {
  if (alerts.length === 0) return 'No alert is in the log, or none that fits.';
  const head = ['WHEN', 'SEVERITY', 'RULE', 'LASTED', 'WHAT'];
  const rows = alerts.map((alert) => [
    shortMoment(alert.since, now),
    alert.severity,
    printable(alert.rule),
    lasted(alert),
    printable(alert.says),
  ]);
  const widths = head.map((title, column) =>
    rows.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), title.length),
  );
  const taken = widths.slice(0, -1).reduce((sum, width) => sum + width + 2, 0);
  const room = Math.max(20, textWidth() - taken);
  return table(
    head,
    rows.map(([when = '', severity = '', rule = '', last = '', says = ''], index) => [
      when,
      coloured(alerts[index] as Alert, severity),
      rule,
      last,
      cut(says, room),
    ]),
  );
}

/** One alert in full. */
export function renderAlert(alert: Alert, now = Date.now()): string {
  const moment = isOver(alert) ? (alert.ended ?? alert.since) : alert.since;
  const mark = isOver(alert) ? style.good(titleOf(alert)) : coloured(alert, titleOf(alert));
  return paragraph(`${shortMoment(moment, now)} ${mark}: ${lineOf(alert)}`);
}

function coloured({ severity }: Alert, text: string): string {
  return severity === 'CRITICAL' ? style.problem(text) : style.warning(text);
}

/** An alert without an end is open, or its watch ended before it. */
function lasted(alert: Alert): string {
  if (alert.ended === undefined) return 'open';
  return isOver(alert) ? humanTime((alert.lastedMs ?? 0) * 1000) : '-';
}
