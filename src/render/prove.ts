import type { Finding } from '../model/index.js';
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
  const said = new Set<string>();
  return [
    `${style.heading('rlimit doctor --prove')}  ${localTime(Date.parse(date))}`,
    hostLine(host),
    `scopes of ${manager === 'user' ? 'your user manager' : 'the system’s manager'}`,
    '',
    ...proofs.map((proof) => renderProof(proof, said)),
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

/** @param said remedies that were told already */
function renderProof(proof: Proof, said: Set<string>): string {
  const { name, verdict, title, expected, measured, findings } = proof;
  const word = verdict.replace('-', ' ');
  const isBad = verdict === 'failed' || verdict === 'inert';
  const [first = '', ...rest] = column(`${style.name(name)}: ${title}`).split('\n');
  return [
    `${MARKS[verdict](word)}${first.slice(word.length)}`,
    ...rest,
    column(printable(measured)),
    ...(isBad ? [column(`${style.faint('expected:')} ${expected}`)] : []),
    ...findings.map((finding) => renderOnce(finding, said)),
  ].join('\n');
}

/** Text beside the verdicts. */
function column(text: string): string {
  return paragraph(text, { indent: VERDICT_WIDTH });
}

function renderOnce(finding: Finding, said: Set<string>): string {
  const { remedy, ...rest } = { ...finding, cause: printable(finding.cause) };
  const isNew = remedy === undefined || !said.has(remedy);
  if (remedy !== undefined) said.add(remedy);
  const told = isNew ? remedy : 'as above';
  return renderFinding({ ...rest, ...(told === undefined ? {} : { remedy: told }) });
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
