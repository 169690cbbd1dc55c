import { TROUBLES } from '../catalogue/index.js';
import {
  CHECK_TITLES,
  type DoctorReport,
  type Fix,
  type FixPlan,
  type FixReport,
  remedyOf,
} from '../doctor/index.js';
import type { Check, CheckGroup, CheckStatus, Finding } from '../model/index.js';
import { counted, printable, printableLines, shellQuote } from '../text/index.js';
import { cut, paragraph, style, textWidth } from './style.js';
import { table } from './table.js';

const GROUPS: Readonly<Record<CheckGroup, string>> = {
  machine: 'THE MACHINE',
  session: 'YOUR SESSION',
  memory: 'WHEN MEMORY RUNS OUT',
  caps: 'CAPS',
  tools: 'TOOLS',
};

/**
 * The report for people: a line for each check that is well; for the others what was seen, why it
 * matters, and what mends it.
 * @param plan what --fix would do, to be offered
 */
export function renderDoctor({ checks, summary }: DoctorReport, plan?: FixPlan): string {
  const wide = Math.max(0, ...checks.map(({ name }) => name.length));
  const told = new Set<string>();
  const groups = Object.keys(GROUPS) as CheckGroup[];
  const blocks = groups.flatMap((group) => {
    const members = checks.filter((check) => check.group === group);
    if (members.length === 0) return [];
    const lines = members.map((check) => renderCheck(check, wide, told));
    return [[style.heading(GROUPS[group]), ...lines].join('\n')];
  });
  return [...blocks, summaryLine(checks.length, summary) + offer(plan)].join('\n\n');
}

const MARKS: Readonly<Record<CheckStatus, (text: string) => string>> = {
  ok: style.good,
  warning: style.warning,
  problem: style.problem,
  unknown: style.warning,
};
const MARK_WIDTH = 'problem'.length;

function renderCheck(check: Check, wide: number, told: Set<string>): string {
  const { name, title, status, evidence, findings } = check;
  const start = `${MARKS[status](status.padEnd(MARK_WIDTH))}  ${name.padEnd(wide)}  `;
  const room = textWidth() - MARK_WIDTH - wide - 4;
  if (status === 'ok') return start + cut(evidence.map(printable).join('; ') || title, room);
  const titles = [...new Set(findings.map(({ id }) => TROUBLES[id].title))];
  const head = start + cut(status === 'unknown' ? `${title}?` : titles.join('; '), room);
  return [
    head,
    ...evidence.map((line) => labelled('seen', printable(line))),
    ...findings.flatMap((finding) => renderFinding(finding, told)),
  ].join('\n');
}

/** The reason and the remedy of a trouble are told once. */
function renderFinding({ id, severity, cause, remedy }: Finding, told: Set<string>): string[] {
  const lines = [labelled(severity, printable(cause))];
  const { why } = TROUBLES[id];
  if (!told.has(why)) lines.push(labelled('why', why));
  if (remedy !== undefined) {
    lines.push(told.has(remedy) ? labelled('mend', 'as above') : verbatim('mend', remedy));
    told.add(remedy);
  }
  told.add(why);
  return lines;
}

const LABEL_WIDTH = 'warning:'.length;

function labelled(label: string, text: string): string {
  const indent = 2 + LABEL_WIDTH + 1;
  return labelOf(label) + paragraph(text, { indent }).slice(indent);
}

/** Not wrapped: it is often a command, which must survive being copied. */
function verbatim(label: string, text: string): string {
  const lines = text.split('\n').map(printable);
  return lines.length === 1
    ? labelOf(label) + lines.join()
    : [labelOf(label).trimEnd(), ...lines.map((line) => `    ${line}`)].join('\n');
}

function labelOf(label: string): string {
  return `  ${style.faint(`${label}:`.padEnd(LABEL_WIDTH))} `;
}

function summaryLine(
  count: number,
  { ok, warning, problem, unknown }: DoctorReport['summary'],
): string {
  const parts = [
    `${ok} ok`,
    ...(warning === 0 ? [] : [style.warning(counted(warning, 'warning'))]),
    ...(problem === 0 ? [] : [style.problem(counted(problem, 'problem'))]),
    ...(unknown === 0 ? [] : [style.warning(`${unknown} unknown`)]),
  ];
  return `${counted(count, 'check')}: ${parts.join(', ')}.`;
}

function offer({ own, root }: FixPlan = { own: [], root: [] }): string {
  const offers = [
    ...(own.length === 0 ? [] : [`mends ${counted(own.length, 'thing')}`]),
    ...(root.length === 0 ? [] : [`writes a script for root that mends ${root.length}`]),
  ];
  return offers.length === 0 ? '' : `\nrlimit doctor --fix ${offers.join(', and ')}.`;
}

/** The names by which checks are asked for. */
export function renderCheckList(): string {
  return table(
    ['CHECK', 'SHOWS THAT'],
    [...CHECK_TITLES].map((row) => [...row]),
  );
}

/** What `--fix` is about to do, before anybody is asked. */
export function renderFixPlan({ own, root }: FixPlan, script: string): string {
  const blocks: string[] = [];
  if (own.length > 0) blocks.push(['Now, without root:', ...own.map(planned)].join('\n'));
  if (root.length > 0) {
    const head = `Written to ${printable(script)}, to be read and run as root:`;
    blocks.push([head, ...root.map(planned)].join('\n'));
  }
  return blocks.join('\n\n');
}

function planned(fix: Fix): string {
  const lines = [paragraph(`- ${printable(fix.title)}`)];
  if (fix.ending !== undefined) {
    const words = `ends ${fix.ending.ends}; the script does that part only with --end-sessions`;
    lines.push(paragraph(style.warning(words), { indent: 2 }));
  }
  // The lines that root would paste are in the report and in the script.
  if (!fix.root) lines.push(printableLines(remedyOf(fix)).replace(/^/gm, '    '));
  return lines.join('\n');
}

/** What `--fix` did, and how it is taken back. */
export function renderFixReport({ mended, script }: FixReport): string {
  const lines = mended.flatMap(({ title, done, said, undo }) => [
    `${done ? style.good('done:') : style.problem('not done:')} ${printable(title)}`,
    ...said.map((each) => paragraph(printable(each), { indent: 2 })),
    ...undo.map((each) => `  ${style.faint('back:')} ${printable(each)}`),
  ]);
  if (script !== undefined) {
    const path = printable(shellQuote(script.path));
    lines.push(`written: ${path} (${counted(script.titles.length, 'fix', 'fixes')})`);
    if (script.backup !== undefined) lines.push(`  the former one: ${printable(script.backup)}`);
    lines.push(`  ${style.faint('read: ')} less ${path}`);
    lines.push(`  ${style.faint('run:  ')} sudo sh ${path}`);
    lines.push(`  ${style.faint('back: ')} sudo sh ${path} --undo`);
  }
  return lines.join('\n');
}
