/** What the guard did, in the words of an alert. Names in them are made printable by the sinks. Pure. */
import type { AlertParts } from '../../alerts/alert.js';
import type { AlertSubject } from '../../model/index.js';
import type { Note } from '../collect/entry.js';
import type { Action } from '../decide/types.js';

/** An alert without its time; `key` tells those of one subject apart. */
export type Parts = Omit<AlertParts, 'rule' | 'since'> & { key?: string };

const MACHINE: AlertSubject = { kind: 'machine', name: '' };

/**
 * The alert of an action; absent for those that nobody has to know of.
 * @param failed why it could not be done
 */
export function partsOf(action: Action, failed?: string): Parts | undefined {
  if (failed !== undefined) return failure(action, failed);
  const { why } = action;
  switch (action.do) {
    case 'warn':
      return warning(MACHINE, `memory is short: ${why}`);
    case 'tokens':
      return warning(MACHINE, `the guard holds jobservers back: ${why}`);
    case 'freeze': {
      const says = `${action.unit} stands still for ${action.seconds} s at most, by the guard: ${why}`;
      return warning({ kind: 'unit', name: action.unit }, says);
    }
    case 'end': {
      const { pid, comm } = action.process;
      const says = `the guard ends ${comm} (PID ${pid}) with ${action.signal}: ${why}`;
      const top = { pid, comm, bytes: action.memory };
      return { ...critical({ kind: 'process', name: comm }, says), top };
    }
    case 'endUnit': {
      const says = `the guard ends ${action.unit} with ${action.signal}: ${why}`;
      return critical({ kind: 'unit', name: action.unit }, says);
    }
    case 'breakLivelock': {
      const subject: AlertSubject = { kind: 'unit', name: action.unit };
      return action.how === 'kill'
        ? critical(subject, `the guard ended the largest process of ${action.unit}: ${why}`)
        : warning(subject, `the guard lifted MemoryHigh of ${action.unit}: ${why}`);
    }
    default:
      return undefined;
  }
}

/** Only what somebody's life hung on is told when it fails. */
function failure(action: Action, failed: string): Parts | undefined {
  switch (action.do) {
    case 'end':
      return {
        ...warning(
          { kind: 'process', name: action.process.comm },
          `the guard could not end ${action.process.comm} (PID ${action.process.pid}): ${failed}`,
        ),
        key: 'failed',
      };
    case 'endUnit':
    case 'freeze':
    case 'breakLivelock': {
      const verb = { endUnit: 'end', freeze: 'freeze', breakLivelock: 'break the stall of' };
      const says = `the guard could not ${verb[action.do]} ${action.unit}: ${failed}`;
      return { ...warning({ kind: 'unit', name: action.unit }, says), key: `failed ${action.do}` };
    }
    default:
      return undefined;
  }
}

/** The alert of what happened to a GPU; absent for other notes. */
export function partsOfNote({ about, message, fields = {} }: Note): Parts | undefined {
  const gpu: AlertSubject = { kind: 'gpu', name: String(fields.gpu ?? '') };
  switch (about) {
    case 'gpu-end': {
      const name = String(fields.name ?? '');
      const pid = Number(fields.pid);
      const subject: AlertSubject = { kind: 'process', name };
      const top = { pid, comm: name, bytes: Number(fields.memory) };
      const key = `gpu ${pid}`;
      if (fields.result === 'done') return { ...critical(subject, message), top, key };
      return fields.result === 'gone' ? undefined : { ...warning(subject, message), top, key };
    }
    case 'gpu-full':
      return { ...critical(gpu, message), key: 'full' };
    case 'gpu-driver':
      // The module that runs is not the one that is installed: programs fail until a reboot.
      if (fields.verdict !== 'reboot') return undefined;
      return { ...warning({ kind: 'gpu', name: '' }, message), key: 'driver' };
    default:
      return undefined;
  }
}

function warning(subject: AlertSubject, says: string): Parts {
  return { severity: 'WARNING', subject, says, facts: [] };
}

function critical(subject: AlertSubject, says: string): Parts {
  return { severity: 'CRITICAL', subject, says, facts: [] };
}
