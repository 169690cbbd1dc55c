/**
 * The launchers that do without systemd, and the choice among all. `run` loads them only where the
 * user's manager is not to be had, or where another one is asked for.
 */
import type { Machine } from '../../model/index.js';
import type { ScopeRequest } from '../../systemd/compile.js';
import type { Launcher } from '../launcher.js';
import { CgroupLauncher } from './cgroup-launcher.js';
import type { Chosen } from './choose.js';
import { watchedLauncher } from './watched-launcher.js';

export { type Chosen, chooseLauncher, readLauncherFacts } from './choose.js';

/** Makes the launcher that was chosen. */
export function launcherWithoutSystemd(
  chosen: Chosen,
  request: ScopeRequest,
  { machine, env }: { machine: Machine; env: NodeJS.ProcessEnv },
): Launcher {
  if (chosen.kind !== 'cgroup') return watchedLauncher(request, { machine, env });
  return new CgroupLauncher(request, { place: chosen.place, machine });
}
