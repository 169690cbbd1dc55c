/** How the guard's service is, and the verbs that change it. */
import { type ManagerKind, systemctl } from '../../systemd/client.js';
import { needManager, type ServicePlaces, servicePlaces } from './places.js';
import { GUARD_UNIT } from './unit.js';

/** In systemd's words; empty where there is no such unit. */
export interface ServiceState {
  /** `active`, `inactive`, `failed`, `activating` … */
  active: string;
  /** `enabled`, `disabled`, … */
  enabled: string;
  /** PID of the guard, while it runs. */
  pid?: number;
  /** What it says of itself (sd_notify(3), STATUS=). */
  status?: string;
  /** Why it ended last, other than `success`: `watchdog`, `oom-kill`, `exit-code`. */
  result?: string;
}

type Control = (args: readonly string[], options: { manager: ManagerKind }) => Promise<string>;

const ASKED = ['ActiveState', 'UnitFileState', 'MainPID', 'StatusText', 'Result'];

/** @throws {UnavailableError} without a manager to ask */
export async function readServiceState(
  manager: ManagerKind,
  control: Control = systemctl,
): Promise<ServiceState> {
  const shown = await control(['show', `--property=${ASKED.join(',')}`, GUARD_UNIT], { manager });
  const values = new Map(
    shown.split('\n').map((line) => {
      const equals = line.indexOf('=');
      return [line.slice(0, equals), line.slice(equals + 1)] as const;
    }),
  );
  const pid = Number(values.get('MainPID'));
  const status = values.get('StatusText') ?? '';
  const result = values.get('Result') ?? '';
  return {
    active: values.get('ActiveState') ?? '',
    enabled: values.get('UnitFileState') ?? '',
    ...(pid > 0 ? { pid } : {}),
    ...(status === '' ? {} : { status }),
    ...(result === '' || result === 'success' ? {} : { result }),
  };
}

export type ServiceVerb = 'start' | 'stop' | 'restart' | 'reload';

/** A verb that was carried out, and how the service is then. */
export interface ServiceAction {
  verb: ServiceVerb;
  unit: string;
  manager: ManagerKind;
  state: ServiceState;
}

/**
 * Starts, stops, restarts or reloads the service, and waits until it has.
 * @throws {UnavailableError} where it is not installed, or systemd could not do it, with its reason
 */
export async function changeService(
  verb: ServiceVerb,
  manager: ManagerKind,
  {
    places = servicePlaces(),
    control = systemctl,
  }: { places?: ServicePlaces; control?: Control } = {},
): Promise<ServiceAction> {
  needManager(manager, verb, places);
  await control([verb, GUARD_UNIT], { manager });
  return { verb, unit: GUARD_UNIT, manager, state: await readServiceState(manager, control) };
}
