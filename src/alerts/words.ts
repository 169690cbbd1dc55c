/** An alert in words, the same in every sink. Names in it are made printable here. Pure. */
import type { Alert, AlertProcess } from '../model/index.js';
import { formatSpan, roughBytes } from '../quantity/index.js';
import { printable } from '../text/index.js';

/** Few words: `memory CRITICAL`, `service-memory WARNING: ollama.service`. */
export function titleOf({ rule, severity, subject }: Alert): string {
  const name = subject.name === '' ? '' : `: ${printable(subject.name)}`;
  return `${rule} ${severity}${name}`;
}

/** All of it in one line. */
export function lineOf(alert: Alert): string {
  const { says, facts, ended, lastedMs = 0 } = alert;
  const rest = [...topOf(alert), ...facts.map(printable)].join('; ');
  const text = `${printable(says)}${rest === '' ? '' : ` (${rest})`}`;
  if (!isOver(alert) || ended === undefined) return text;
  return `over after ${formatSpan(Math.max(1, Math.round(lastedMs / 1000)) * 1_000_000)}: ${text}`;
}

/** Whether it tells of an end, and not of what happened at one moment. */
export function isOver({ ended, since, lastedMs }: Alert): boolean {
  return ended !== undefined && !(ended === since && lastedMs === 0);
}

/** The process that uses most, as a fact. */
export function topOf({ top }: Alert): string[] {
  return top === undefined ? [] : [`most by ${processText(top)}`];
}

function processText({ comm, pid, bytes, cores }: AlertProcess): string {
  const use = [
    ...(bytes === undefined ? [] : [roughBytes(bytes)]),
    ...(cores === undefined ? [] : [`${cores.toFixed(1)} cores`]),
  ].join(', ');
  return `${printable(comm)} (PID ${pid}${use === '' ? '' : `, ${use}`})`;
}
