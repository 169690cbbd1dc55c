/**
 * What `run` says. Plain text and no imports of weight: this is read on the way to every command.
 */
import type { Finding, LeftOut } from '../model/index.js';

/**
 * The line before the command starts: what the kernel was seen to enforce, and what it does not.
 * @param enforced properties without a finding
 */
export function renderStart(
  unit: string,
  {
    enforced,
    findings,
    leftOut,
  }: {
    enforced: Record<string, string>;
    findings: readonly Finding[];
    leftOut: readonly LeftOut[];
  },
): string {
  const list = Object.entries(enforced).map(([name, value]) => `${name}=${value || 'infinity'}`);
  const lines = [`rlimit: ${unit}: ${list.join(' ') || 'no limits'} (in force)`];
  for (const { severity, property, wanted, cause } of findings) {
    const subject = property === undefined ? '' : `${property}=${wanted ?? ''} is not in force: `;
    lines.push(`rlimit: ${severity}: ${subject}${cause}`);
  }
  for (const { property, wish, why } of leftOut) {
    lines.push(`rlimit: note: ${property}=${wish} left out: ${why}`);
  }
  if (findings.length > 0) lines.push('rlimit: `rlimit inspect` tells the remedy');
  return lines.join('\n');
}

/** Said when processes outlive the command in their scope. */
export function renderLeftBehind(unit: string): string {
  return `rlimit: processes of the command still run in ${unit}; to end them: rlimit kill ${unit}`;
}

/** Said once when the log file can no longer be written; the command goes on. */
export function renderLogLoss(file: string, error: Error): string {
  return `rlimit: warning: ${file} is incomplete: ${error.message}`;
}
