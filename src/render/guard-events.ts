/** What the guard tells while it runs. Without colour: the daemon loads it, and its lines go to a log. */
import type { Note } from '../guard/collect/entry.js';
import type { Action, GuardEvent } from '../guard/index.js';
import { counted } from '../text/counted.js';
import { printable } from '../text/safe.js';

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
    case 'note':
      return `${event.note.level === 'critical' ? 'CRITICAL: ' : ''}${printable(event.note.message)}`;
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
  if (event.event === 'note') return noteToJson(event.time, event.note);
  return {
    time: new Date(time).toISOString(),
    level: levelOf(event),
    message: renderEvent(event),
    ...rest,
  };
}

/** Flat as well: its own keys first, and no field takes their place. */
function noteToJson(
  time: number,
  { level, about, message, fields }: Note,
): Record<string, unknown> {
  const own = { time: new Date(time).toISOString(), level, message, event: about };
  return { ...own, ...fields, ...own };
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
export function describe(action: Action): string {
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

export function subject({ pid, comm }: { pid: number; comm: string }): string {
  return `${printable(comm)} (PID ${pid})`;
}
