import { type Place, Unknown } from '../place.js';
import { type CheckSpec, found, type Judged } from '../spec.js';
import { unitNamed, unitsOf } from '../units.js';

/** Whether a warning can be shown on the desktop. */
export const notifications: CheckSpec = {
  name: 'notifications',
  title: 'alerts can be shown',
  group: 'tools',
  look: async (place) => judgeNotifications(await readNotifications(place)),
};

/** The same, with one that is sent. */
export const notificationTest: CheckSpec = {
  ...notifications,
  look: async (place) => judgeTest(await readNotifications(place), await send(place)),
};

export interface NotificationFacts {
  hasProgram: boolean;
  /** Whether somebody on the session bus shows notifications; absent where the bus is silent. */
  hasService?: boolean;
  isDesktop: boolean;
}

export async function readNotifications(place: Place): Promise<NotificationFacts> {
  const [program, service, isDesktop] = await Promise.all([
    place.ask(['notify-send', '--version']),
    quietly(place.ask(HAS_OWNER)),
    seesDesktop(place),
  ]);
  const answer = service?.status === 0 ? service.out.trim() : undefined;
  return {
    hasProgram: program !== undefined,
    ...(answer === undefined ? {} : { hasService: answer === 'b true' }),
    isDesktop,
  };
}

const NAME = 'org.freedesktop.Notifications';
const HAS_OWNER = [
  ...['busctl', '--user', '--timeout=3', 'call', 'org.freedesktop.DBus', '/org/freedesktop/DBus'],
  ...['org.freedesktop.DBus', 'NameHasOwner', 's', NAME],
];

export function judgeNotifications({
  hasProgram,
  hasService,
  isDesktop,
}: NotificationFacts): Judged {
  const evidence = [
    `notify-send is ${hasProgram ? '' : 'not '}there`,
    hasService === undefined
      ? 'the session bus does not say whether notifications are shown'
      : `${hasService ? 'somebody shows' : 'nobody shows'} notifications (${NAME})`,
  ];
  if (!isDesktop) {
    return {
      evidence: ['no desktop session: alerts go to the journal', ...evidence],
      findings: [],
    };
  }
  if (hasProgram && hasService !== false) {
    return hasService === undefined
      ? { evidence, findings: [], unknown: 'it cannot be told whether anybody shows them' }
      : { evidence, findings: [] };
  }
  const finding = found('warning', 'no-notifications', {
    cause: hasProgram ? 'nobody on the session bus shows notifications' : 'there is no notify-send',
    remedy: hasProgram
      ? 'start a notification daemon with your session (dunst, mako, or that of the desktop)'
      : 'sudo apt install libnotify-bin (or libnotify)',
  });
  return { evidence, findings: [finding] };
}

/** @param sent why it could not be sent; absent where it was */
export function judgeTest(facts: NotificationFacts, sent: string | undefined): Judged {
  const judged = judgeNotifications(facts);
  if (sent === undefined) {
    return { ...judged, evidence: [...judged.evidence, 'a test notification was sent'] };
  }
  const others = judged.findings.map(({ remedy }) => remedy).find((remedy) => remedy !== undefined);
  const finding = found('problem', 'no-notifications', {
    cause: `the test notification was not shown: ${sent}`,
    remedy: others ?? 'run it in the desktop session, where DBUS_SESSION_BUS_ADDRESS is set',
  });
  return { evidence: judged.evidence, findings: [finding] };
}

async function send(place: Place): Promise<string | undefined> {
  const text = 'rlimit doctor: this is how an alert looks.';
  const answer = await place.ask(['notify-send', '--app-name=rlimit', 'rlimit', text]);
  if (answer === undefined) return 'there is no notify-send';
  if (answer.status === 0) return undefined;
  return answer.err.trim().split('\n')[0] || `notify-send ended with ${answer.status}`;
}

async function seesDesktop(place: Place): Promise<boolean> {
  if (place.env.DISPLAY || place.env.WAYLAND_DISPLAY) return true;
  const units = (await quietly(unitsOf(place, 'user'))) ?? [];
  return unitNamed(units, 'graphical-session.target')?.ActiveState === 'active';
}

async function quietly<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Unknown) return undefined;
    throw error;
  }
}
