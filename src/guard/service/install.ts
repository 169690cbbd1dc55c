/** Setting the guard's service up, and taking it away again. */
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { isSealed, seal } from '../../budget/seal.js';
import { isGone } from '../../cgroup/index.js';
import { UnavailableError } from '../../errors/index.js';
import { reasonOf } from '../../profiles/reason.js';
import { removeFile, replaceFile } from '../../profiles/replace-file.js';
import { type ManagerKind, systemctl } from '../../systemd/client.js';
import { needManager, type ServicePlaces, servicePlaces, unitPath } from './places.js';
import { readServiceState, type ServiceState } from './state.js';
import { fileBefore, GUARD_UNIT, guardUnit, type ServiceNeeds, WRITTEN_BY } from './unit.js';
import { type AskProgram, complaintsOf, exposureOf } from './verify.js';

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
  const former = textOf(file);
  const before = former === undefined ? undefined : beforeOf(former, file);
  const text = seal(guardUnit({ ...needs, ...(before === undefined ? {} : { before }) }));
  const complaints = await complaintsOf(text, manager, ask);
  refuse(complaints ?? []);
  const backup = former === text ? undefined : write(file, text, former, before);
  if (former !== text) await control(['daemon-reload'], { manager });
  await control(['enable', '--quiet', GUARD_UNIT], { manager });
  const wasActive = (await readServiceState(manager, control)).active === 'active';
  if (start) await control(['start', GUARD_UNIT], { manager });
  const exposure = manager === 'system' ? await exposureOf(ask) : undefined;
  return {
    unit: GUARD_UNIT,
    manager,
    file,
    change: former === text ? 'unchanged' : 'written',
    ...(backup === undefined ? {} : { backup }),
    restartNeeded: wasActive && former !== text,
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
  const text = textOf(file);
  const result = { unit: GUARD_UNIT, manager, file, restartNeeded: false, verified: false };
  if (text === undefined || !text.startsWith(WRITTEN_BY)) {
    return { ...result, change: 'absent', state: await readServiceState(manager, control) };
  }
  await control(['disable', '--now', '--quiet', GUARD_UNIT], { manager });
  // What somebody edited is not thrown away.
  const backup = isSealed(text) ? undefined : removeFile(file);
  const before = fileBefore(text);
  const putsBack = before !== undefined && existsSync(before);
  try {
    if (putsBack) renameSync(before, file);
    else rmSync(file, { force: true });
  } catch (error) {
    throw new UnavailableError(`${file} cannot be removed: ${reasonOf(error)}`);
  }
  await control(['daemon-reload'], { manager });
  return {
    ...result,
    change: putsBack ? 'put-back' : 'removed',
    ...(backup === undefined ? {} : { backup }),
    state: await readServiceState(manager, control),
  };
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (isGone(error)) return undefined;
    throw new UnavailableError(`${file} cannot be read: ${reasonOf(error)}`);
  }
}

/** Where the file lies that is put back one day: somebody else's that is replaced now, or was before. */
function beforeOf(former: string, file: string): string | undefined {
  return former.startsWith(WRITTEN_BY) ? fileBefore(former) : freeName(`${file}.before-rlimit`);
}

function freeName(path: string): string {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? path : `${path}${number}`;
    if (!existsSync(name)) return name;
  }
}

/** @returns the backup of what somebody else wrote or edited */
function write(
  file: string,
  text: string,
  former: string | undefined,
  before: string | undefined,
): string | undefined {
  if (former !== undefined && !former.startsWith(WRITTEN_BY) && before !== undefined) {
    replaceFile(before, former, { overwrite: false });
    replaceFile(file, text, { overwrite: true, backup: false, mode: 0o644 });
    return before;
  }
  const isEdited = former !== undefined && !isSealed(former);
  return replaceFile(file, text, { overwrite: true, backup: isEdited, mode: 0o644 }).backup;
}

function refuse(complaints: readonly string[]): void {
  const [first, ...more] = complaints;
  if (first === undefined) return;
  throw new UnavailableError('systemd has something against the unit file of the guard', {
    why: [first, ...more].slice(0, 5).join('\n'),
    remedy: 'rlimit guard run runs the guard without a service',
  });
}
