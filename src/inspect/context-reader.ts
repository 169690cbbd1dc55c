/** What besides a unit decides whether its limits can be in force, read from this machine. */
import { CGROUP_ROOT } from '../cgroup/index.js';
import { readMemory } from '../machine/read.js';
import type { Finding, Observation, UnitRecord } from '../model/index.js';
import { isPropertyName, shownName } from '../properties/index.js';
import { type ManagerKind, systemctl } from '../systemd/client.js';
import { loadedSettings, settingsOnDisk } from '../systemd/settings.js';
import { parseShow, showArgs } from '../systemd/show.js';
import { splitPaths } from '../systemd/unit-file.js';
import { systemdVersion } from '../systemd/version.js';
import type { KernelContext } from './context.js';
import { devicesIn, ioWeightsCount } from './facts.js';
import { type Lost, lostReader } from './levels.js';
import { ancestorReader, controllersFor } from './surroundings.js';

export type ContextReader = (
  observation: Observation,
  asked: UnitRecord['properties'] | undefined,
) => Promise<KernelContext>;

/** Facts are read once for all units, and those that few units need, when the first one does. */
export function contextReader(env: NodeJS.ProcessEnv, root = CGROUP_ROOT): ContextReader {
  const ancestors = ancestorReader(root);
  const lost = lostReader(root);
  const { memory, swap } = readMemory();
  const ioWeights = once(() => ioWeightsCount({ root }));
  const version = once(() => systemdVersion(env));
  const unitPaths = { user: once(() => unitPath('user')), system: once(() => unitPath('system')) };
  return async (observation, asked) => {
    const { cgroup, kernel, systemd, manager } = observation;
    const controllers = cgroup === undefined ? undefined : controllersFor(cgroup, root);
    const uid = /\/user@(\d+)\.service\//.exec(cgroup ?? '')?.[1];
    const weights = kernel['io.weight'] === undefined ? undefined : ioWeights();
    // systemctl leaves out what its systemd does not know.
    const unknown = Object.keys(asked ?? {})
      .filter(isPropertyName)
      .some((name) => systemd[shownName(name)] === undefined);
    const major = unknown ? version() : undefined;
    const path = needsReload(observation) && manager !== 'none' ? await unitPaths[manager]() : [];
    return {
      memory,
      swap,
      devices: devicesIn(asked ?? systemd),
      ancestors: cgroup === undefined ? [] : ancestors(cgroup),
      lost: cgroup === undefined ? {} : lost(cgroup),
      ...settingsOf(observation, path),
      ...(controllers === undefined ? {} : { controllers }),
      ...(uid === undefined ? {} : { uid: Number(uid) }),
      ...(weights === undefined ? {} : { ioWeights: weights }),
      ...(major === undefined ? {} : { systemd: major }),
    };
  };
}

/**
 * Where a controller ends although the manager has it, a unit above may have DisableControllers=.
 * @returns the context with that unit's name, or undefined where there is none to be found
 */
export async function withDisabled(
  { cgroup = '/', manager }: Observation,
  context: KernelContext,
  findings: readonly Finding[],
): Promise<KernelContext | undefined> {
  const isOpen = findings.some(({ id }) => id === 'controller-not-enabled');
  if (!isOpen || manager === 'none') return undefined;
  const units = unitsAbove(cgroup, manager);
  const shown = parseShow(await ask(showArgs(units), manager));
  const lost: Lost = {};
  for (const [controller, at] of Object.entries(context.lost ?? {})) {
    const unit = shown.find(({ DisableControllers = '' }) =>
      DisableControllers.split(' ').includes(controller),
    );
    const by = unit?.Id === undefined || at.why !== 'unit' ? {} : { disabledBy: unit.Id };
    lost[controller as keyof Lost] = { ...at, ...by };
  }
  return { ...context, lost };
}

/** Those of the same manager, the outermost first. */
function unitsAbove(cgroup: string, manager: ManagerKind): string[] {
  const own = manager === 'user' ? cgroup.replace(/^.*\/user@\d+\.service\//, '') : cgroup;
  const above = own.split('/').filter(Boolean).slice(0, -1);
  return ['-.slice', ...above.filter((name) => name.endsWith('.slice'))];
}

/** Set since, where systemd says so; a unit of which systemd says nothing has none to be read. */
function settingsOf(observation: Observation, path: readonly string[]): Partial<KernelContext> {
  const { systemd, manager } = observation;
  if (manager === 'none' || systemd.FragmentPath === undefined) return {};
  const { settings, unreadable } = loadedSettings(systemd);
  return {
    settings,
    ...(Object.keys(unreadable).length === 0 ? {} : { unreadSettings: unreadable }),
    ...(path.length === 0 ? {} : { onDisk: settingsOnDisk(systemd, path).settings }),
  };
}

function needsReload({ systemd }: Observation): boolean {
  return systemd.NeedDaemonReload === 'yes';
}

async function unitPath(manager: ManagerKind): Promise<string[]> {
  return splitPaths(await ask(['show', '--property=UnitPath', '--value'], manager));
}

/** Only explanations depend on these answers: none is no reason to fail. */
async function ask(args: readonly string[], manager: ManagerKind): Promise<string> {
  return systemctl(args, { manager }).catch(() => '');
}

function once<T>(read: () => T): () => T {
  let known: { value: T } | undefined;
  return () => {
    known ??= { value: read() };
    return known.value;
  };
}
