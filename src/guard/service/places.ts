/** Where the guard's unit file is, and who may write it. */
import { UnavailableError } from '../../errors/index.js';
import { configHome } from '../../profiles/places.js';
import type { ManagerKind } from '../../systemd/client.js';
import { isWithoutSystemd } from '../../systemd/find.js';
import { GUARD_UNIT } from './unit.js';

export interface ServicePlaces {
  env: NodeJS.ProcessEnv;
  uid: number;
  /** What stands for `/` in tests. */
  root: string;
}

export function servicePlaces(): ServicePlaces {
  return { env: process.env, uid: process.getuid?.() ?? 0, root: '' };
}

/** Path of the unit file (systemd.unit(5), Unit File Load Path). */
export function unitPath(manager: ManagerKind, { env, root }: ServicePlaces): string {
  if (manager === 'system') return `${root}/etc/systemd/system/${GUARD_UNIT}`;
  return `${configHome({ env })}/systemd/user/${GUARD_UNIT}`;
}

/** @throws {UnavailableError} where there is no systemd, or the system's manager is not the caller's to change */
export function needManager(
  manager: ManagerKind,
  verb: string,
  { uid, root }: ServicePlaces,
): void {
  if (isWithoutSystemd(root)) {
    throw new UnavailableError('systemd does not run this system', {
      why: 'There is no /run/systemd/system, so nothing would start the service.',
      remedy: 'rlimit guard run runs the guard without a service',
    });
  }
  if (manager === 'user' || uid === 0) return;
  throw new UnavailableError('the service of the whole machine is for root', {
    why: 'It ends processes of all users.',
    remedy: `sudo rlimit guard ${verb}, or rlimit guard ${verb} --user for your own processes`,
  });
}
