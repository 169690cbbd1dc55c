import type { Finding, Severity } from '../model/index.js';
import { printable, printableLines } from '../text/index.js';
import { paragraph, style } from './style.js';

/**
 * A finding as a person reads it: severity, property, cause and name, and below it the remedy. That
 * is not wrapped: it is often a command, which must survive being copied.
 */
export function renderFinding(finding: Finding): string {
  return told(finding, ` [${finding.id}]`);
}

/** The same without its name, where there is little room. */
export function renderBriefly(finding: Finding): string {
  return told(finding, '');
}

function told(finding: Finding, name: string): string {
  const mark = severityMark(finding.severity);
  const subject = finding.property === undefined ? '' : `${finding.property}: `;
  const lines = [paragraph(`${mark} ${subject}${printable(finding.cause)}${name}`)];
  if (finding.remedy !== undefined) {
    lines.push(`${style.faint('mend:')} ${printableLines(finding.remedy)}`.replace(/^/gm, '  '));
  }
  return lines.join('\n');
}

/** The word in front of a finding, in the colour of its severity. */
export function severityMark(severity: Severity): string {
  return severity === 'problem' ? style.problem('problem:') : style.warning('warning:');
}
