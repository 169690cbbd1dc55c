import type { Host, Proof, ProofReport, ProofVerdict } from '../prove/index.js';
import { printable } from '../text/index.js';
import { humanBytes, localTime } from './figures.js';
import { renderFinding } from './finding.js';
import { paragraph, style } from './style.js';

/**
 * What the experiments came to, as text to be pasted into a post-mortem: when and where, then one
 * entry an experiment, its verdict first.
 */
export function renderProofs({ date, host, manager, proofs, left }: ProofReport): string {
  return [
    `${style.heading('rlimit doctor --prove')}  ${localTime(Date.parse(date))}`,
    hostLine(host),
    `scopes of ${manager === 'user' ? 'your user manager' : 'the system’s manager'}`,
    '',
    ...proofs.map(renderProof),
    '',
    summary(proofs),
    ...left.map(
      (unit) => `${style.problem('left behind:')} ${unit}; systemctl --${manager} stop ${unit}`,
    ),
  ].join('\n');
}

function hostLine({ name, kernel, systemd, memory, available, swap, cpus }: Host): string {
  const free = available === undefined ? '' : ` (${humanBytes(available)} available)`;
  const facts = [
    `${name}: Linux ${kernel}`,
    `systemd ${systemd ?? 'unknown'}`,
    `${cpus} CPUs`,
    `memory ${humanBytes(memory)}${free}`,
    swap === 0 ? 'no swap' : `swap ${humanBytes(swap)}`,
  ];
  return paragraph(printable(facts.join(', ')));
}

/** Wide enough for every verdict. */
const VERDICT_WIDTH = 'not applicable'.length + 2;

function renderProof({ name, verdict, title, expected, measured, findings }: Proof): string {
  const indent = VERDICT_WIDTH;
  const word = verdict.replace('-', ' ');
  const isBad = verdict === 'failed' || verdict === 'inert';
  return [
    `${MARKS[verdict](word)}${' '.repeat(indent - word.length)}${style.name(name)}`,
    paragraph(title, { indent }),
    paragraph(`${style.faint('measured:')} ${printable(measured)}`, { indent }),
    ...(isBad ? [paragraph(`${style.faint('expected:')} ${expected}`, { indent })] : []),
    ...findings.map((finding) => renderFinding(finding).replace(/^(?=.)/gm, '  ')),
  ].join('\n');
}

const MARKS: Readonly<Record<ProofVerdict, (text: string) => string>> = {
  held: style.good,
  failed: style.problem,
  inert: style.problem,
  'not-applicable': style.faint,
  refused: style.warning,
};

function summary(proofs: readonly Proof[]): string {
  const counts = Object.keys(MARKS).flatMap((verdict) => {
    const count = proofs.filter((proof) => proof.verdict === verdict).length;
    return count === 0 ? [] : [`${count} ${verdict.replace('-', ' ')}`];
  });
  return counts.join(', ');
}
