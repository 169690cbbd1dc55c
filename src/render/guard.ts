/** What the guard does, decides and has found, for people. */
import type { Action, GuardEvent, GuardStatus, Preview, Replay } from '../guard/index.js';
import type { SettingsCheck } from '../guard/settings/file.js';
import { counted, printable } from '../text/index.js';
import { humanBytes, humanPart, localTime } from './figures.js';
import { describe, renderEvent, subject } from './guard-events.js';
import { paragraph, style } from './style.js';

/** What `guard run --dry-run` prints. */
export function renderPreview({ uid, memory, actions, why }: Preview): string {
  const { total, available } = memory;
  const whose = uid === 0 ? 'the machine' : 'your own processes';
  const head =
    `Guarding ${whose}: ${humanBytes(available)} of ${humanBytes(total)} of memory is ` +
    `available (${humanPart(available, total)}).`;
  const nothing = actions.length === 0 ? ['At this moment nothing would be done.'] : [];
  return [head, ...nothing, ...actions.map(wouldDo), ...why.map(printable)]
    .map((line) => paragraph(line))
    .join('\n');
}

function wouldDo(action: Action): string {
  return `- would ${describe(action)}: ${printable(action.why)}`;
}

/** What `guard replay` prints: a line for each step, stable enough to be compared. */
export function renderReplay({ samples, steps }: Replay): string {
  const first = steps[0]?.atMs ?? 0;
  const lines = steps.flatMap(({ sample, atMs, available, actions, why }) => {
    const at = `${String(sample).padStart(5)} +${((atMs - first) / 1000).toFixed(1)}s ${available}%`;
    return [
      ...actions.map((action) => `${at} ${describe(action)}: ${printable(action.why)}`),
      ...why.map((each) => `${at} ${printable(each)}`),
    ];
  });
  return [...lines, `${counted(samples, 'sample')}, ${counted(steps.length, 'step')}`].join('\n');
}

/** What `guard check` prints. */
export function renderSettingsCheck({ file, problems }: SettingsCheck): string {
  if (problems.length === 0) return `${printable(file)} ${style.good('is fine')}.`;
  return problems
    .map(({ message, position }) => {
      const at = position === undefined ? '' : `:${position.line}:${position.column}`;
      return `${printable(file)}${at}: ${message}`;
    })
    .join('\n');
}

/** What `guard status` prints. */
export function renderGuardStatus(all: readonly GuardStatus[]): string {
  return all.map(renderOne).join('\n\n');
}

function renderOne({ of, running, journal }: GuardStatus): string {
  const whose = of === 'machine' ? 'The machine' : 'You';
  const verb = of === 'machine' ? 'has' : 'have';
  if (journal === undefined) return `${whose} ${verb} no guard.`;
  const { guard, started, settings, state, events } = journal;
  const lines = running
    ? [`${whose} ${verb} a guard: PID ${guard.pid}, since ${localTime(started)}.`]
    : [
        style.problem(`${whose} ${verb} no guard: PID ${guard.pid} has ended without a word.`),
        'What it had changed is put back by the next one: rlimit guard run',
      ];
  const rungs = ['nothing is short', 'it has warned', 'it has taken tokens', 'it freezes runs'];
  return [
    ...lines,
    `  settings   ${settings === undefined ? 'the defaults' : printable(settings)}`,
    `  memory     ${rungs[state.rung] ?? ''}`,
    `  protected  ${namesOf(Object.values(state.protected))}`,
    `  marked     ${namesOf(Object.values(state.adjusted))}`,
    `  frozen     ${state.frozen.map(({ unit }) => printable(unit)).join(', ') || 'none'}`,
    ...(events.length === 0 ? [] : ['', 'Lately:', ...events.map(renderLately)]),
  ].join('\n');
}

function renderLately(event: GuardEvent): string {
  return paragraph(`${localTime(event.time)} ${renderEvent(event)}`, { indent: 2 });
}

/** More than so many are counted. */
const MOST_NAMES = 6;

function namesOf(processes: readonly { pid: number; comm: string }[]): string {
  if (processes.length === 0) return 'none';
  const names = processes.slice(0, MOST_NAMES).map(subject);
  const more = processes.length - names.length;
  return [...names, ...(more > 0 ? [`${more} more`] : [])].join(', ');
}
