import { homedir } from 'node:os';
import type { Origin } from '../model/index.js';
import type { Deleted } from '../profiles/change.js';
import type { ProfileEntry, ProfileView, Written } from '../profiles/index.js';
import { roughBytes } from '../quantity/index.js';
import { printable } from '../text/index.js';
import { cut, paragraph, style, textWidth } from './style.js';
import { table } from './table.js';

/** All profiles in a table: name, what for, and the highest layer that says something. */
export function renderProfileList(profiles: readonly ProfileEntry[]): string {
  const names = widest(profiles.map(({ name }) => name));
  const room = Math.max(20, textWidth() - names - 'built-in'.length - 4);
  const rows = profiles.map(({ name, summary, layer, problem }) => [
    style.name(name),
    problem === undefined
      ? cut(printable(summary), room)
      : style.problem(cut('cannot be used: see rlimit profile check', room)),
    layer,
  ]);
  return table(['NAME', 'SUMMARY', 'LAYER'], rows);
}

/** Everything about one profile. */
export function renderProfile(view: ProfileView): string {
  const sections = [
    heading(view),
    view.why === undefined ? '' : view.why.split('\n\n').map(printable).map(indented).join('\n\n'),
    limitsSection(view),
    ...view.leftOut.map(({ property, wish, why }) =>
      indented(`${property} (${printable(wish)}) is left out: ${why}`),
    ),
    jobsSection(view),
    stallSection(view),
    environmentSection(view),
    refusedSection(view),
  ];
  return sections.filter((section) => section !== '').join('\n\n');
}

/** What was written, and where the former content is. */
export function renderWritten({ file, backup }: Written): string {
  const kept = backup === undefined ? '' : `\n  the former one is kept: ${shortPath(backup)}`;
  return `${style.good('written:')} ${shortPath(file)}${kept}`;
}

/** What was deleted, what counts now, and what broke. */
export function renderDeleted(name: string, deleted: Deleted): string {
  const { backup, uncovers, orphans } = deleted;
  return [
    `${style.good('deleted:')} profile ${name}; a copy is kept: ${shortPath(backup)}`,
    ...(uncovers === undefined
      ? []
      : [`  the ${uncovers === 'user' ? "user's" : uncovers} ${name} shows again`]),
    ...(orphans.length === 0
      ? []
      : [`  ${style.warning('warning:')} cannot be used any more: ${orphans.join(', ')}`]),
  ].join('\n');
}

/** The place of a value as a person reads it. */
export function renderOrigin({ layer, profile, file, line }: Origin): string {
  if (file === undefined) return layer === 'built-in' ? `built-in ${profile}` : layer;
  return `${shortPath(file)}${line === undefined ? '' : `:${line}`}`;
}

/** Home as `~`: shorter, and still a path for the shell. */
export function shortPath(path: string): string {
  const home = homedir();
  return printable(path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path);
}

function heading({ name, layer, file, summary, lineage }: ProfileView): string {
  const from = file === undefined ? layer : `${layer}, ${shortPath(file)}`;
  const built = lineage.length === 0 ? '' : `\n  built on ${lineage.join(', ')}`;
  return `${style.heading(name)}: ${printable(summary)}\n  ${style.faint(from)}${built}`;
}

function limitsSection({ limits, machine }: ProfileView): string {
  const { cores, cpus, memory } = machine;
  const threads = cpus === cores ? '' : ` (${cpus} CPUs)`;
  const title = `limits on a machine of ${cores} cores${threads} and ${roughBytes(memory)} of memory`;
  if (limits.length === 0) return `${style.heading(title)}\n  none`;
  const rows = limits.map(({ property, value, wish, origin }) => [
    property,
    value,
    printable(wish),
    style.faint(renderOrigin(origin)),
  ]);
  return `${style.heading(title)}\n${table(['PROPERTY', 'HERE', 'AS WRITTEN', 'FROM'], rows)}`;
}

function jobsSection({ jobs }: ProfileView): string {
  if (!jobs) return '';
  const { model, advice } = jobs;
  const { low, high } = model.memory;
  const size = low === high ? roughBytes(low) : `${roughBytes(low)} to ${roughBytes(high)}`;
  const range = advice.low === advice.high ? '' : ` (range ${advice.low} to ${advice.high})`;
  const lines = [
    `-j${advice.pick}${range}. ${advice.reason}`,
    `One job takes ${size} of memory and keeps ${model.cores === 1 ? '1 core' : `${model.cores} cores`} busy.`,
    ...(model.processes.length > 0 ? [`Processes: ${printable(model.processes.join(', '))}.`] : []),
    ...(model.onDanger === 'kill' ? [ON_DANGER_KILL] : []),
    ...advice.notes,
  ];
  return `${style.heading('jobs')}\n${lines.map(indented).join('\n')}`;
}

const ON_DANGER_KILL =
  'Just below the limit the jobserver may kill the youngest job (on-danger: kill).';

function stallSection({ onStall }: ProfileView): string {
  if (onStall === undefined) return '';
  const { value, origin } = onStall;
  const what =
    value === 'kill' ? 'the largest process is killed' : 'MemoryHigh is lifted up to MemoryMax';
  const from = origin === undefined ? '' : `  ${style.faint(renderOrigin(origin))}`;
  return `${style.heading('on a stall')}\n  ${value}: ${what}${from}`;
}

function environmentSection({ environment }: ProfileView): string {
  const entries = Object.entries(environment);
  if (entries.length === 0) return '';
  const lines = entries.flatMap(([name, { value, origin }]) => {
    const from = origin === undefined ? '' : style.faint(`  ${renderOrigin(origin)}`);
    const [first = '', ...more] = value.split('\n').map(printable);
    if (more.length === 0) return [`  ${name}=${first}${from}`];
    return [`  ${name}=${from}`, ...[first, ...more].map((line) => `    ${line}`)];
  });
  return `${style.heading('environment')}\n${lines.join('\n')}`;
}

function refusedSection({ refused }: ProfileView): string {
  if (!refused) return '';
  return [
    paragraph(`${style.problem('refused here:')} ${printable(refused.message)}`),
    ...(refused.why === undefined ? [] : [indented(refused.why)]),
    ...(refused.remedy === undefined ? [] : [`  ${style.faint('mend:')} ${refused.remedy}`]),
  ].join('\n');
}

function indented(text: string): string {
  return paragraph(text, { indent: 2 });
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length));
}
