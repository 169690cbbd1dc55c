/** What the guard does, decides and has found, for people. */
import type { Action, GuardEvent, GuardStatus, Preview, Replay } from '../guard/index.js';
import type { SettingsCheck } from '../guard/settings/file.js';
import { counted, printable } from '../text/index.js';
import { humanBytes, humanPart, localTime } from './figures.js';
import { paragraph, style } from './style.js';

/** An event as one line of a log, without its time, which the journal has. */
export function renderEvent(event: GuardEvent): string {
  switch (event.event) {
    case 'started': {
      const whose = event.uid === 0 ? 'the machine' : `what user ${event.uid} owns`;
      const by =
        event.settings === undefined ? 'by the defaults' : `by ${printable(event.settings)}`;
      const before = event.resumed ? '; it goes on with what an earlier guard has left' : '';
      return `guarding ${whose} ${by}${before}`;
    }
    case 'ended':
      return 'the guard has ended, and has put back what it had changed';
    case 'action':
      return `${deedOf(event)}: ${printable(event.action.why)}`;
    case 'remark':
      return printable(event.why);
    case 'finding':
      return `${event.finding.severity}: ${printable(event.finding.cause)} [${event.finding.id}]`;
    case 'settings':
      if (event.problem !== undefined) {
        return `the old settings stay in force: ${printable(event.problem)}`;
      }
      return `the settings were read again${event.settings === undefined ? ': the defaults' : `: ${printable(event.settings)}`}`;
  }
}

/** The same as an object for JSON lines: flat, with the sentence in it. */
export function eventToJson(event: GuardEvent): Record<string, unknown> {
  const { time, ...rest } = event;
  return {
    time: new Date(time).toISOString(),
    level: levelOf(event),
    message: renderEvent(event),
    ...rest,
  };
}

/** As syslog(3) calls it. */
function levelOf(event: GuardEvent): 'info' | 'warning' | 'err' {
  if (event.event === 'action') {
    if (event.result === 'failed') return 'err';
    const grave = ['warn', 'end', 'endUnit', 'freeze', 'breakLivelock', 'tokens'];
    return grave.includes(event.action.do) ? 'warning' : 'info';
  }
  if (event.event === 'settings') return event.problem === undefined ? 'info' : 'err';
  return event.event === 'remark' || event.event === 'finding' ? 'warning' : 'info';
}

function deedOf({ action, result, failed }: GuardEvent & { event: 'action' }): string {
  const deed = describe(action);
  if (result === 'failed') return `could not ${deed} (${printable(failed ?? '')})`;
  if (result === 'gone') return `did not ${deed}, since it has gone by itself`;
  return `${result === 'would' ? 'would ' : ''}${deed}`;
}

/** An action as a verb with its object: `end hog (PID 12) with SIGTERM`. */
function describe(action: Action): string {
  switch (action.do) {
    case 'protect':
      return `protect ${subject(action.process)}`;
    case 'unprotect':
      return `put ${subject(action.process)} back`;
    case 'adjust':
    case 'restore':
      return `set oom_score_adj of ${subject(action.process)} from ${action.from} to ${action.to}`;
    case 'warn':
      return 'warn';
    case 'tokens':
      return action.most === undefined
        ? 'give the tokens of jobservers back'
        : `leave each jobserver ${counted(action.most, 'token')}`;
    case 'freeze':
    case 'thaw':
      return `${action.do} ${printable(action.unit)}`;
    case 'end':
      return `end ${subject(action.process)} with ${action.signal}`;
    case 'endUnit':
      return `end ${printable(action.unit)} with ${action.signal}`;
    case 'breakLivelock':
      return action.how === 'raise'
        ? `lift MemoryHigh of ${printable(action.unit)}`
        : `end the largest process of ${printable(action.unit)}`;
  }
}

function subject({ pid, comm }: { pid: number; comm: string }): string {
  return `${printable(comm)} (PID ${pid})`;
}

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
