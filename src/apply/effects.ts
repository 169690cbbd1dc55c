/** What a plan does besides files, and the way back. */
import { lstatSync, rmSync } from 'node:fs';
import { makerOf, unfinished } from './compile/memory.js';
import type { Action, Compiled, UnitWish } from './compile/types.js';
import type { Effects } from './journal.js';
import {
  must,
  readSysctl,
  reload,
  restart,
  StepFailed,
  type System,
  stateOfUnit,
  systemctlLine,
} from './system.js';

/** An action that is due, and what it will have changed. */
export interface Due {
  actions: Action[];
  effects: Effects;
}

/**
 * Which actions are due here: a service that does not run is not started anew, and a unit that runs
 * only where its files have changed.
 * @param changed paths of files that change
 */
export async function actionsDue(
  { actions, made }: Pick<Compiled, 'actions' | 'made'>,
  {
    system,
    changed,
    mayRestart,
  }: { system: System; changed: readonly string[]; mayRestart: boolean },
): Promise<Due> {
  const due: Action[] = [];
  const effects: Effects = { values: [], started: [], restarted: [], made: made.filter(isAbsent) };
  for (const action of actions) {
    if (action.do === 'sysctl') {
      const was = readSysctl(action.name);
      if (was === undefined || was === action.value) continue;
      effects.values.push({ name: action.name, was });
    } else if (action.do === 'restart') {
      const { active } = await stateOfUnit(system, action.unit);
      if (!mayRestart || active !== 'active' || !concerns(action.unit, changed)) continue;
      effects.restarted.push(action.unit);
    } else if (action.do === 'start') {
      const { active } = await stateOfUnit(system, action.unit);
      if (active !== 'active') effects.started.push(action.unit);
      // A swap area that is used is not taken away for a moment.
      else if (action.unit.endsWith('.swap') || !concerns(action.unit, changed)) continue;
      else effects.restarted.push(action.unit);
    } else if (changed.length === 0) continue;
    due.push(action);
  }
  return { actions: due, effects };
}

/** Files that a unit reads only when it starts. */
const READS: Readonly<Record<string, readonly string[]>> = {
  'earlyoom.service': ['/etc/default/earlyoom'],
  'nix-daemon.service': ['/etc/nix/nix.conf'],
  'zramswap.service': ['/etc/default/zramswap'],
};

function concerns(unit: string, changed: readonly string[]): boolean {
  return changed.some((path) => READS[unit]?.includes(path) || path.includes(`/${unit}`));
}

function isAbsent(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) === undefined;
}

/**
 * Does actions, one after the other.
 * @throws {StepFailed} at the first that fails
 */
export async function perform(
  actions: readonly Action[],
  units: readonly UnitWish[],
  system: System,
): Promise<void> {
  for (const action of actions) {
    if (action.do === 'reload') await reload(system, action.manager, units);
    else if (action.do === 'restart') await restartAll(action.unit, system);
    else if (action.do === 'sysctl') await setSysctl(action.name, action.value, system);
    else if (action.unit.endsWith('.swap')) {
      await must(system, systemctlLine('system', 'start', '--', action.unit));
    } else await restart(system, action.unit);
  }
}

/** A template is no service itself: its instances are, one after the other. */
async function restartAll(unit: string, system: System): Promise<void> {
  if (!unit.includes('@.')) {
    await restart(system, unit);
    return;
  }
  const pattern = unit.replace('@.', '@*.');
  const text = await must(
    system,
    systemctlLine(
      'system',
      'list-units',
      '--plain',
      '--no-legend',
      '--state=active',
      '--',
      pattern,
    ),
  );
  for (const instance of text.match(/^[\w:.\\@-]+\.service\b/gm) ?? [])
    await restart(system, instance);
}

async function setSysctl(name: string, value: string, system: System): Promise<void> {
  await must(system, ['sysctl', '-q', '-w', `${name}=${value}`]);
}

/**
 * Takes back what was done besides files, before the files go back: what was started is stopped, what
 * units made is deleted, values are set as they were.
 * @returns what could not be taken back, as sentences
 */
export async function undoEffects(effects: Effects, system: System): Promise<string[]> {
  const failures: string[] = [];
  for (const unit of [...effects.started].reverse()) {
    const { load } = await stateOfUnit(system, unit);
    if (load === 'not-found') continue;
    await tolerate(() => must(system, systemctlLine('system', 'stop', '--', unit)), failures);
  }
  if (failures.length === 0) for (const path of effects.made) await removeMade(path, system);
  for (const { name, was } of effects.values) {
    await tolerate(() => setSysctl(name, was, system), failures);
  }
  return failures;
}

/** Takes a file away that a unit makes; cut short, the unit may be at it still, or have left half of it. */
async function removeMade(path: string, system: System): Promise<void> {
  await system.run(systemctlLine('system', 'stop', '--', makerOf(path)));
  for (const each of [unfinished(path), path]) rmSync(each, { force: true });
}

/** When the files are as they were: systemd reads them, and what read them at its start starts anew. */
export async function settleBack(
  effects: Effects,
  units: readonly UnitWish[],
  managers: readonly ('system' | 'user')[],
  system: System,
): Promise<string[]> {
  const failures: string[] = [];
  for (const manager of managers) await tolerate(() => reload(system, manager, units), failures);
  for (const unit of effects.restarted) {
    const { active } = await stateOfUnit(system, unit);
    if (active === 'inactive') continue;
    // One that has failed to start five times in a row would be refused the sixth (StartLimitBurst=).
    await system.run(systemctlLine('system', 'reset-failed', '--', unit));
    await tolerate(() => restart(system, unit), failures);
  }
  return failures;
}

async function tolerate(work: () => Promise<unknown>, failures: string[]): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    failures.push(error.message);
  }
}

/** Actions in words for a person to read before they are done. */
export function commandsOf(actions: readonly Action[], mayRestart: boolean): string[] {
  return actions.flatMap((action) => {
    if (action.do === 'sysctl') return [`sysctl -w ${action.name}=${action.value}`];
    if (action.do === 'reload') return [`systemctl --${action.manager} daemon-reload`];
    if (action.do === 'start') return [`systemctl start ${action.unit}`];
    return mayRestart ? [`systemctl restart ${action.unit}   # if it runs: ${action.why}`] : [];
  });
}
