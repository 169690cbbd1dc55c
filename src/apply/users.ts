/** Managers of users that run now: root asks each as its user. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import type { System } from './system.js';

/** A user whose manager runs. */
export interface LoggedIn {
  uid: number;
  gid: number;
}

/**
 * Users whose managers run, by the cgroups of those.
 * @param root what stands for `/`
 */
export function loggedIn(root = ''): LoggedIn[] {
  const slices = `${root}/sys/fs/cgroup/user.slice`;
  return namesIn(slices).flatMap((slice) => {
    const uid = Number(/^user-(\d+)\.slice$/.exec(slice)?.[1] ?? Number.NaN);
    const stats = statSync(`${root}/run/user/${uid}`, { throwIfNoEntry: false });
    const runs = existsSync(`${slices}/${slice}/user@${uid}.service`);
    return runs && stats !== undefined ? [{ uid, gid: stats.gid }] : [];
  });
}

/** The same programs, asked as a user: `systemctl --user -M` would open a session for each question. */
export function asUser(system: System, { uid, gid }: LoggedIn): System {
  const become = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', 'env'];
  return { run: (argv) => system.run([...become, `XDG_RUNTIME_DIR=/run/user/${uid}`, ...argv]) };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
