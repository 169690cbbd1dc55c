/** Lines of comma-separated values that are safe to read for programs, spreadsheets and terminals. Pure. */
import { printable } from '../../text/index.js';

/** A field: text of whatever origin, a figure, or nothing. */
export type CsvValue = string | number | undefined;

/**
 * One record with its line break (RFC 4180). A record is always one line: control characters, of a process
 * name too, are written as `\xHH` or `\u{H}`, and a backslash as two.
 */
export function csvRecord(values: readonly CsvValue[]): string {
  return `${values.map(field).join(',')}\r\n`;
}

function field(value: CsvValue): string {
  if (value === undefined) return '';
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  const text = printable(value.replaceAll('\\', '\\\\'));
  // Spreadsheets take what begins so for a formula, in quotes as well.
  const harmless = /^\s*[=+\-@]/.test(text) ? `'${text}` : text;
  return /[",\s]|^'/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
