import type {
  ApplyReport,
  CheckReport,
  FileDiff,
  PlanEntry,
  Preview,
  Verified,
  VerifiedUnit,
} from '../apply/index.js';
import { formatBytes, roughBytes } from '../quantity/index.js';
import { counted, printable, printableLines } from '../text/index.js';
import { renderFinding } from './finding.js';
import { renderDiff } from './learned.js';
import { note, warning } from './remark.js';
import { paragraph, style } from './style.js';
import { table } from './table.js';

/** The ready plans. */
export function renderPlanList(plans: readonly PlanEntry[]): string {
  return table(
    ['PLAN', 'FOR'],
    plans.map(({ name, summary }) => [style.name(name), printable(summary)]),
  );
}

/** Everything that a plan would do: each file as a difference, commands, and the sums. */
export function renderPreview(preview: Preview): string {
  const { files, commands, notes, left, edited, interrupted } = preview;
  return [
    heading(preview),
    ...(interrupted === undefined ? [] : [interruptedLine(interrupted)]),
    ...(files.length === 0 ? ['All files are as planned.'] : files.map(fileSection)),
    ...(files.length === 0 || commands.length === 0
      ? []
      : [section('then', commands.map(printable))]),
    sumsSection(preview.sums),
    ...(left.length === 0 ? [] : [leftSection(left)]),
    ...(notes.length === 0 ? [] : [notes.map(note).join('\n')]),
    ...edited.map((path) => warning(`${path} was changed by somebody since the plan was applied`)),
  ].join('\n\n');
}

/** What was done, and what of it is in force. */
export function renderApplied(report: ApplyReport): string {
  const { outcome, plan, files, failure, remarks, recovered, verified, left, way } = report;
  const lines = recovered === undefined ? [] : [note(recovered)];
  if (failure !== undefined) {
    lines.push(
      paragraph(`${style.problem('failed:')} ${printable(failure.step)}`),
      paragraph(printable(failure.said), { indent: 2 }),
      remarks.length === 0
        ? 'All was put back: the machine is as before.'
        : 'It was put back, but for what follows.',
    );
  } else lines.push(outcomeLine(outcome, plan, files, way));
  lines.push(...remarks.map(warning));
  if (verified !== undefined) lines.push(renderVerified(verified));
  if (outcome === 'applied' && left.length > 0) lines.push('', leftSection(left));
  if (outcome === 'applied') lines.push('', wayBack(report));
  return lines.join('\n');
}

/** What has drifted. */
export function renderCheck(report: CheckReport): string {
  const { plan, files, verified, isApplied, isAsPlanned, interrupted } = report;
  const title = isAsPlanned ? style.good('as planned') : style.problem('not as planned');
  return [
    `${style.name(plan)}  ${title}${isApplied ? '' : ' (never applied here)'}`,
    ...(interrupted === undefined ? [] : [interruptedLine(interrupted)]),
    ...files.map(fileSection),
    ...(verified === undefined ? [] : [renderVerified(verified)]),
    ...report.notes.map(note),
  ].join('\n');
}

function outcomeLine(
  outcome: ApplyReport['outcome'],
  plan: string,
  files: readonly FileDiff[],
  way: Preview['way'],
): string {
  const name = style.name(plan);
  if (outcome === 'nothing') return `${name}: there is nothing to change.`;
  if (outcome === 'reverted') {
    const list = files.map(({ path }) => `  ${printable(path)}`);
    return [`${name}  ${style.good('reverted')}: all is as it was before.`, ...list].join('\n');
  }
  const trial = way === 'trial' ? ', until the next boot' : '';
  const list = files.map(({ path, change }) => `  ${printable(path)} (${change})`);
  return [
    `${name}  ${style.good('applied')}${trial}: ${counted(files.length, 'file')}.`,
    ...list,
  ].join('\n');
}

function wayBack({ plan, way }: ApplyReport): string {
  if (way === 'tree') return 'The way back: the same line with --revert.';
  const options = way === 'trial' ? ' --runtime' : '';
  return `The way back: rlimit apply ${plan}${options} --revert; later: rlimit apply ${plan} --check`;
}

function renderVerified({ units, facts, findings }: Verified): string {
  const rows = [
    ...units.map((unit) => [printable(unit.unit), stateText(unit.state), limitsText(unit)]),
    ...facts.map(({ what, observed, isSo }) => [
      what,
      isSo ? style.good('in force') : style.problem('not so'),
      printable(observed),
    ]),
  ];
  const list = rows.length === 0 ? [] : [table(['UNIT', 'STATE', 'SEEN'], rows)];
  return [...list, ...findings.map(renderFinding)].join('\n');
}

function stateText(state: VerifiedUnit['state']): string {
  if (state === 'in-force') return style.good('in force');
  if (state === 'not-in-force') return style.problem('not so');
  if (state === 'not-verified') return style.warning('not verified');
  return style.faint(state === 'none' ? 'none there' : 'waits');
}

/** What the kernel holds; of what only systemd acts on, what systemd holds. */
function limitsText({ rows, state, why }: VerifiedUnit): string {
  if (why !== undefined) return printable(why);
  if (state === 'none') return 'counts when one starts';
  return printable(
    rows
      .map(({ property, kernel, systemd, asked }) => `${property}=${kernel ?? systemd ?? asked}`)
      .join(' '),
  );
}

function heading({ plan, summary, way }: Preview): string {
  const how = way === 'trial' ? ' (until the next boot)' : way === 'tree' ? ' (into a tree)' : '';
  return `${style.name(plan)}  ${printable(summary)}${how}`;
}

function interruptedLine(kind: 'apply' | 'revert'): string {
  return kind === 'apply'
    ? warning('an apply did not end: the next apply or --revert rolls it back first')
    : warning('a revert did not end: the next apply or --revert finishes it first');
}

function fileSection({ path, why, change, diff }: FileDiff): string {
  return `${style.heading(printable(path))}  ${change}: ${printable(why)}\n${renderDiff(diff)}`;
}

function sumsSection({ terms, caps, memory, isOver, notes }: Preview['sums']): string {
  const rows = terms.map(({ what, bytes }) => `  ${printable(what)}: ${formatBytes(bytes)}`);
  const total = `caps together: ${roughBytes(caps)} of ${roughBytes(memory)}`;
  const head = isOver ? style.problem(total) : total;
  return [terms.length === 0 ? 'no caps on memory' : head, ...rows, ...notes.map(note)].join('\n');
}

function leftSection(left: Preview['left']): string {
  const lines = left.flatMap(({ what, run, ends }) => [
    paragraph(printable(what), { indent: 2 }),
    ...(run === undefined
      ? []
      : [`    ${printableLines(run)}${ends === undefined ? '' : `   # ends ${printable(ends)}`}`]),
  ]);
  return ['left to you:', ...lines].join('\n');
}

function section(title: string, lines: readonly string[]): string {
  return [`${title}:`, ...lines.map((line) => `  ${line}`)].join('\n');
}
