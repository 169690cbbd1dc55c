import type { Finding } from '../model/index.js';
import { paragraph, style } from './style.js';

/** A finding as a person reads it: severity, property, cause, and below it the remedy. */
export function renderFinding(finding: Finding): string {
  const mark =
    finding.severity === 'problem' ? style.problem('problem:') : style.warning('warning:');
  const subject = finding.property === undefined ? '' : `${finding.property}: `;
  const lines = [paragraph(`${mark} ${subject}${finding.cause}`)];
  if (finding.remedy !== undefined) {
    lines.push(paragraph(`${style.faint('mend:')} ${finding.remedy}`, { indent: 2 }));
  }
  return lines.join('\n');
}
