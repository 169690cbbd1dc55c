/**
 * What `run` says. Plain text and no imports of weight: this is read on the way to every command.
 */
import type { Finding, LeftOut } from '../model/index.js';

/** What `renderStart` tells of. */
export interface Start {
  unit: string;
  /** Properties that were read back from the kernel as asked. */
  enforced: Readonly<Record<string, string>>;
  findings: readonly Finding[];
  leftOut: readonly LeftOut[];
}

/** What is said before the command starts: what the kernel was seen to enforce, and what not. */
export function renderStart({ unit, enforced, findings, leftOut }: Start): string {
  const list = Object.entries(enforced).map(([name, value]) => `${name}=${value || 'infinity'}`);
  const inForce = list.length === 0 ? 'no limits' : `in force: ${list.join(' ')}`;
  return [
    wrap(`rlimit: ${unit} ${inForce}`),
    ...findings.map(renderFinding),
    ...leftOut.map(renderLeftOut),
    ...(findings.length > 0 ? ['rlimit: `rlimit inspect` tells the remedy'] : []),
  ].join('\n');
}

function renderFinding({ id, severity, property, wanted, cause }: Finding): string {
  const inForce = property === undefined || id === 'ancestor-tighter';
  const subject = property === undefined ? '' : `${property}=${wanted ?? ''}`;
  return wrap(`rlimit: ${severity}: ${subject}${inForce ? '' : ' is not in force'}: ${cause}`);
}

/** Said of a property that is not passed on here. */
export function renderLeftOut({ property, wish, why }: LeftOut): string {
  return wrap(`rlimit: note: ${property}=${wish} left out: ${why}`);
}

/** Said when processes outlive the command in their scope. */
export function renderLeftBehind(unit: string): string {
  return wrap(
    `rlimit: processes of the command still run in ${unit}; to end them: rlimit kill ${unit}`,
  );
}

/** Said once when the log file can no longer be written; the command goes on. */
export function renderLogLoss(file: string, error: Error): string {
  return `rlimit: warning: ${file} is incomplete: ${error.message}`;
}

const WIDTH = 80;

/** Breaks plain text at blanks; further lines are indented. */
function wrap(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line.length + 1 + word.length > WIDTH && line.trim() !== '') lines.push(`  ${word}`);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n');
}
