/** The processes that are kept alive, and the slice that holds memory for them. */
import type { ProcessSample } from '../../model/index.js';
import { printable } from '../../text/safe.js';
import type { Step } from './ladder.js';
import type { Action, GuardState } from './types.js';
import { isIn, isManaged, keyOf, mayTouch, nameOf, processOf, type View } from './view.js';

/** Who moves into the slice, and who back. */
export function protect(view: View): Step & Pick<GuardState, 'protected'> {
  const actions: Action[] = [];
  const said: string[] = [];
  const kept: GuardState['protected'] = {};
  for (const [key, record] of Object.entries(view.state.protected)) {
    const process = processOf(key, view);
    if (process === undefined) continue;
    if (isManaged(process, view.settings)) kept[key] = record;
    else actions.push(backAgain(record));
  }
  for (const process of view.sample.processes) {
    if (!isManaged(process, view.settings)) continue;
    const key = keyOf(process);
    if (kept[key] !== undefined || !isToMove(process, view)) continue;
    const from = process.cgroup as string;
    const problem = noWayBack(from, view);
    if (problem !== undefined) {
      said.push(`${printable(process.comm)} is not moved: ${problem}`);
      continue;
    }
    kept[key] = { ...nameOf(process), from };
    const why = 'its name is one of managed_processes';
    actions.push({ do: 'protect', process: nameOf(process), from, why });
  }
  return { actions, why: said, protected: kept };
}

function backAgain({ from, ...process }: GuardState['protected'][string]): Action {
  const why = 'its name is no longer one of managed_processes';
  return { do: 'unprotect', process, to: from, why };
}

/** Whether one that is managed is not where it should be, and may be put there. */
function isToMove(process: ProcessSample, view: View): boolean {
  const { cgroup } = process;
  if (cgroup === undefined) return false;
  if (view.vital.has(process.pid) || !mayTouch(process, view)) return false;
  if (view.state.refused.includes(`protect ${keyOf(process)}`)) return false;
  // It was started by one that is protected, and needs no way back: it has never been elsewhere.
  if (isInSlice(cgroup, view.settings.cgroup_settings.name)) return false;
  // In a limited run of ours it stays under the limits that were asked for.
  return !view.ownScopes.some((unit) => isIn(cgroup, unit.cgroup));
}

/** A user may take a process out of a session, and not put it back there. */
function noWayBack(from: string, { state: { scene } }: View): string | undefined {
  if (scene.uid === 0 || from.includes(`/user@${scene.uid}.service/`)) return undefined;
  return `it is in ${from}, outside of your service manager, where only root could put it back`;
}

function isInSlice(cgroup: string, slice: string): boolean {
  return cgroup.split('/').includes(slice);
}
