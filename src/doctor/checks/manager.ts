import { existsSync } from 'node:fs';
import {
  type Diagnosis,
  diagnoseUserManager,
  readUserManagerFacts,
} from '../../systemd/diagnose.js';
import { type Fix, remedyOf } from '../fix.js';
import { type Place, said } from '../place.js';
import { type CheckSpec, found, type Judged } from '../spec.js';

/** Root's runs go through the system's manager: none of the checks here concerns it. */
const FOR_ROOT: Judged = {
  evidence: ['root uses the system’s manager, and needs none of its own'],
  findings: [],
};

/** The user manager runs and answers. */
export const manager: CheckSpec = {
  name: 'manager',
  title: 'your user manager runs',
  group: 'session',
  look: async (place) => {
    if (place.uid === 0) return FOR_ROOT;
    const diagnosis = diagnose(place);
    if (diagnosis !== undefined) return judgeManager({ diagnosis });
    return judgeManager({ state: await stateOf(place) });
  },
};

export interface ManagerFacts {
  diagnosis?: Diagnosis;
  /** What `systemctl --user is-system-running` says. */
  state?: string;
}

export function judgeManager({ diagnosis, state = '' }: ManagerFacts): Judged {
  if (diagnosis !== undefined) {
    const { message, why, remedy } = diagnosis;
    const finding = found('problem', 'no-user-manager', {
      cause: `${message}. ${why}`,
      ...(remedy === undefined ? {} : { remedy }),
    });
    return { evidence: [], findings: [finding] };
  }
  const evidence = [`systemctl --user is-system-running: ${state}`];
  // `degraded`: some unit has failed, and the manager itself is well.
  if (['running', 'degraded', 'starting', 'initializing'].includes(state)) {
    return { evidence, findings: [] };
  }
  return { evidence, findings: [], unknown: 'the manager does not say that it runs' };
}

/** The session bus is there and answers. */
export const bus: CheckSpec = {
  name: 'bus',
  title: 'the session bus answers',
  group: 'session',
  look: async (place) => {
    if (place.uid === 0) return FOR_ROOT;
    const { DBUS_SESSION_BUS_ADDRESS: address, XDG_RUNTIME_DIR: directory } = place.env;
    const answer = await place.ask(BUS_ID);
    const where = address || `unix:path=${directory || `/run/user/${place.uid}`}/bus`;
    if (answer === undefined) {
      return { evidence: [], findings: [], unknown: 'busctl is not there' };
    }
    return judgeBus({
      where,
      ok: answer.status === 0,
      err: answer.err.trim().split('\n')[0] ?? '',
    });
  },
};

const BUS_ID = [
  ...['busctl', '--user', '--timeout=3', 'call', 'org.freedesktop.DBus'],
  ...['/org/freedesktop/DBus', 'org.freedesktop.DBus', 'GetId'],
];

export function judgeBus({ where, ok, err }: { where: string; ok: boolean; err: string }): Judged {
  if (ok) return { evidence: [`answers at ${where}`], findings: [] };
  const finding = found('warning', 'no-user-bus', {
    cause: `nobody answers at ${where}: ${err}`,
    remedy:
      'export XDG_RUNTIME_DIR=/run/user/$(id -u), where the manager runs; without a bus at all: ' +
      'sudo apt install dbus-user-session, then log in again',
  });
  return { evidence: [], findings: [finding] };
}

/** Whether the manager stays when the last session ends. */
export const linger: CheckSpec = {
  name: 'linger',
  title: 'your user manager outlives your sessions',
  group: 'session',
  look: (place) => {
    if (place.uid === 0) return FOR_ROOT;
    const booted = existsSync(`${place.root}/run/systemd/system`);
    const file = `/var/lib/systemd/linger/${place.user}`;
    return judgeLinger({
      user: place.user,
      file,
      booted,
      isOn: existsSync(`${place.root}${file}`),
    });
  },
};

export interface LingerFacts {
  user: string;
  file: string;
  booted: boolean;
  isOn: boolean;
}

export function judgeLinger({ user, file, booted, isOn }: LingerFacts): Judged {
  if (isOn) return { evidence: [`${file} is there`], findings: [] };
  if (!booted) return { evidence: [], findings: [], unknown: 'systemd does not run this system' };
  const fix: Fix = {
    trouble: 'no-linger',
    title: 'let your user manager run without a session',
    root: false,
    steps: [{ run: ['loginctl', 'enable-linger'], undo: ['loginctl', 'disable-linger'] }],
    asRoot: [
      { run: ['loginctl', 'enable-linger', user], undo: ['loginctl', 'disable-linger', user] },
    ],
  };
  const finding = found('warning', 'no-linger', {
    cause: `${user} does not linger: runs end with the last logout (there is no ${file})`,
    remedy: remedyOf(fix),
  });
  return { evidence: [], findings: [finding], fixes: [fix] };
}

function diagnose({ uid, env, root }: Place): Diagnosis | undefined {
  return diagnoseUserManager(readUserManagerFacts({ env, uid, root }));
}

/** The status of that command is other than 0 for every state but `running`. */
async function stateOf(place: Place): Promise<string> {
  const argv = ['systemctl', '--user', 'is-system-running'];
  const answer = await place.ask(argv);
  const state = answer?.out.trim();
  return state === undefined || state === '' ? (await said(place, argv)).trim() : state;
}
