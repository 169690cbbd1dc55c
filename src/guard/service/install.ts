/** Setting the guard's service up, and taking it away again. */
import { UnavailableError } from '../../errors/index.js';
import { type ManagerKind, systemctl } from '../../systemd/client.js';
import {
  type AskProgram,
  complaintsOf,
  originOf,
  readUnit,
  removeOwn,
  writeOwn,
} from '../../units/index.js';
import { needManager, type ServicePlaces, servicePlaces, unitPath } from './places.js';
import { readServiceState, type ServiceState } from './state.js';
import { GUARD_UNIT, guardUnit, type ServiceNeeds, WRITTEN_BY } from './unit.js';
import { exposureOf } from './verify.js';

/** What `install` or `uninstall` did. */
export interface ServiceChange {
  unit: string;
  manager: ManagerKind;
  /** The unit file. */
  file: string;
  change: 'written' | 'unchanged' | 'removed' | 'put-back' | 'absent';
  /** A former content that was kept. */
  backup?: string;
  /** The service runs with what its file said before. */
  restartNeeded: boolean;
  /** `systemd-analyze security`: 0 confined, 10 exposed. Of the system's service alone. */
  exposure?: number;
  /** Whether `systemd-analyze verify` could be asked; what it has against the unit is an error. */
  verified: boolean;
  needs?: ServiceNeeds;
  state: ServiceState;
}

export interface ServiceTools {
  places: ServicePlaces;
  ask: AskProgram;
  systemctl: (args: readonly string[], options: { manager: ManagerKind }) => Promise<string>;
}

/**
 * Writes the unit file, enables the service and, if asked, starts it. Done once more, it changes nothing.
 * @throws {UnavailableError} without systemd, without the right to, or where systemd refuses the unit;
 *   nothing has been written then
 */
export async function installService(
  needs: ServiceNeeds,
  { start, ask, ...rest }: { start: boolean } & Pick<ServiceTools, 'ask'> & Partial<ServiceTools>,
): Promise<ServiceChange> {
  const { places = servicePlaces(), systemctl: control = systemctl } = rest;
  const { manager } = needs;
  needManager(manager, 'install', places);
  const file = unitPath(manager, places);
  const text = guardUnit(needs);
  const complaints = await complaintsOf([{ name: GUARD_UNIT, text }], manager, ask);
  refuse(complaints ?? []);
  const { done, backup } = writeOwn(file, text, WRITTEN_BY);
  const isNew = done !== 'unchanged';
  if (isNew) await control(['daemon-reload'], { manager });
  await control(['enable', '--quiet', GUARD_UNIT], { manager });
  const wasActive = (await readServiceState(manager, control)).active === 'active';
  if (start) await control(['start', GUARD_UNIT], { manager });
  const exposure = manager === 'system' ? await exposureOf(ask) : undefined;
  return {
    unit: GUARD_UNIT,
    manager,
    file,
    change: isNew ? 'written' : 'unchanged',
    ...(backup === undefined ? {} : { backup }),
    restartNeeded: wasActive && isNew,
    ...(exposure === undefined ? {} : { exposure }),
    verified: complaints !== undefined,
    needs,
    state: await readServiceState(manager, control),
  };
}

/**
 * Stops and disables the service and takes its file away; the file that was there before it is put back.
 * @throws {UnavailableError} without systemd, or without the right to
 */
export async function uninstallService(
  manager: ManagerKind,
  { places = servicePlaces(), systemctl: control = systemctl }: Partial<ServiceTools> = {},
): Promise<ServiceChange> {
  needManager(manager, 'uninstall', places);
  const file = unitPath(manager, places);
  const text = readUnit(file);
  const result = { unit: GUARD_UNIT, manager, file, restartNeeded: false, verified: false };
  if (text === undefined || originOf(text, WRITTEN_BY).origin === 'foreign') {
    return { ...result, change: 'absent', state: await readServiceState(manager, control) };
  }
  await control(['disable', '--now', '--quiet', GUARD_UNIT], { manager });
  const { done, backup } = removeOwn(file, WRITTEN_BY) ?? {};
  await control(['daemon-reload'], { manager });
  return {
    ...result,
    change: done === 'restored' ? 'put-back' : 'removed',
    ...(backup === undefined ? {} : { backup }),
    state: await readServiceState(manager, control),
  };
}

function refuse(complaints: readonly string[]): void {
  const [first, ...more] = complaints;
  if (first === undefined) return;
  throw new UnavailableError('systemd has something against the unit file of the guard', {
    why: [first, ...more].slice(0, 5).join('\n'),
    remedy: 'rlimit guard run runs the guard without a service',
  });
}
