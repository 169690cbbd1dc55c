/** One line of the guard's log, as JSON for programs or plain for people. Pure. */
import { printable } from '../../text/index.js';

/** Names as in syslog(3). */
export type LogLevel = 'DEBUG' | 'INFO' | 'NOTICE' | 'WARNING' | 'ERROR' | 'CRITICAL';

export interface LogEntry {
  /** Milliseconds since the epoch. */
  time: number;
  level: LogLevel;
  /** Stable name of what happened, in kebab case: `allocation`, `gpu-full`. */
  event: string;
  /** A sentence; names in it may come from processes. */
  message: string;
  /** Figures and names besides. */
  fields?: Readonly<Record<string, string | number | boolean | undefined>>;
}

/** A line with its line break. */
export function logLine(entry: LogEntry, { json }: { json: boolean }): string {
  return json ? jsonLine(entry) : plainLine(entry);
}

/** Keys of its own come first, and no field can take their place. */
function jsonLine({ time, level, event, message, fields = {} }: LogEntry): string {
  const own = { time: isoTime(time), level, event, message };
  return `${asciiControls(JSON.stringify({ ...own, ...fields, ...own }))}\n`;
}

/** JSON lets control characters above 0x1f and marks of direction through; a terminal would obey them. */
function asciiControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

function plainLine({ time, level, event, message, fields = {} }: LogEntry): string {
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${plainValue(value)}`);
  return `${isoTime(time)} ${level} ${event}: ${printable(message)}${pairs.join('')}\n`;
}

function plainValue(value: unknown): string {
  const text = printable(String(value));
  return /^[^\s"=\\]+$/.test(text) ? text : JSON.stringify(text);
}

/** A clock that is set to nonsense makes no crash. */
function isoTime(time: number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString();
}
