/** What is done on a machine besides files: systemd told, services started anew, values set. */
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, askProgram } from '../doctor/place.js';
import { UnavailableError } from '../errors/index.js';
import { compare, type PropertyRow } from '../inspect/compare.js';
import { contextReader } from '../inspect/context-reader.js';
import { meaningOf } from '../inspect/meaning.js';
import { observe } from '../inspect/observe.js';
import { isByBpf } from '../properties/index.js';
import type { ManagerKind } from '../systemd/client.js';
import { parseShow, type Shown, showArgs } from '../systemd/show.js';
import { printable, shellLine } from '../text/index.js';
import type { UnitWish } from './compile/types.js';

/** Asks programs; another one in tests. */
export interface System {
  run(argv: readonly string[]): Promise<Answer | undefined>;
}

/** Services may take as long to start as systemd lets them (DefaultTimeoutStartSec= is 90 s). */
const PATIENCE_MS = 150_000;

export const thisSystem: System = { run: (argv) => askProgram(argv, PATIENCE_MS) };

/** Something that was to be done, and what was said instead. */
export class StepFailed extends Error {
  constructor(
    readonly step: string,
    readonly said: string,
  ) {
    super(`${step}: ${said}`);
  }
}

/** @throws {StepFailed} */
export async function must(system: System, argv: readonly string[]): Promise<string> {
  const answer = await system.run(argv);
  const line = shellLine(argv);
  if (answer === undefined) throw new StepFailed(line, `${argv[0]} is not there`);
  if (answer.status === 0) return answer.out;
  const said = printable(answer.err.trim() || answer.out.trim() || `status ${answer.status}`);
  throw new StepFailed(line, said);
}

export const systemctlLine = (manager: ManagerKind, ...args: string[]) => [
  'systemctl',
  `--${manager}`,
  '--no-pager',
  ...args,
];

/** What systemd says of one unit's state. */
export async function stateOfUnit(
  system: System,
  unit: string,
): Promise<{ load: string; active: string; result: string }> {
  const argv = systemctlLine(
    'system',
    'show',
    '--property=LoadState,ActiveState,Result',
    '--',
    unit,
  );
  const text = (await system.run(argv))?.out ?? '';
  const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? '';
  return { load: value('LoadState'), active: value('ActiveState'), result: value('Result') };
}

/** So long a service that was started anew is watched: one that refuses mostly does so at once. */
const SETTLE_MS = 1000;

/**
 * Starts a service anew and looks whether it stays.
 * @throws {StepFailed} with the last lines of its journal
 */
export async function restart(system: System, unit: string): Promise<void> {
  try {
    await must(system, systemctlLine('system', 'restart', '--', unit));
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    throw new StepFailed(error.step, `${error.said}${await lastWords(system, unit)}`);
  }
  await sleep(SETTLE_MS);
  const { active, result } = await stateOfUnit(system, unit);
  if (active === 'active' || active === 'reloading' || active === '') return;
  // A service that has done its work and ended is none that refused.
  if (active === 'inactive' && result === 'success') return;
  throw new StepFailed(
    `systemctl restart ${unit}`,
    `it is ${active} (${result})${await lastWords(system, unit)}`,
  );
}

async function lastWords(system: System, unit: string): Promise<string> {
  const argv = ['journalctl', '--no-pager', '-q', '-n', '4', '-o', 'cat', '-u', unit];
  const said = (await system.run(argv).catch(() => undefined))?.out.trim() ?? '';
  return said === '' ? '' : `; its journal: ${said.split('\n').map(printable).join(' | ')}`;
}

/** The kernel's value, as sysctl(8) names it. */
export function readSysctl(name: string, root = ''): string | undefined {
  try {
    return readFileSync(`${root}/proc/sys/${name.replaceAll('.', '/')}`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/**
 * Has systemd read its files, and sees to it that the kernel gets what they say. Seen on systemd 257:
 * after a reload it holds the new values, and cgroups keep the old ones until some property of each
 * controller is set; so those that differ are set to the value that systemd holds already. What
 * `set-property` leaves in files goes again.
 */
export async function reload(
  system: System,
  manager: ManagerKind,
  wishes: readonly UnitWish[],
): Promise<void> {
  await must(system, systemctlLine(manager, 'daemon-reload'));
  let pushed = false;
  for (const { unit, rows, accounting } of await lookAtUnits(system, manager, wishes)) {
    const values = [...rows.filter(isStale).map(settingFor), ...accounting];
    if (values.length === 0) continue;
    const folder = `${controlFolder(manager)}/${unit}.d`;
    const before = filesIn(folder);
    await must(system, systemctlLine(manager, 'set-property', '--runtime', '--', unit, ...values));
    for (const file of filesIn(folder).filter((each) => !before.includes(each))) {
      rmSync(`${folder}/${file}`, { force: true });
    }
    removeEmpty(folder);
    pushed = true;
  }
  if (pushed) await must(system, systemctlLine(manager, 'daemon-reload'));
}

/**
 * systemd holds one value and the kernel another. What systemd does not hold at all (`[not set]`) is to
 * be as no property leaves it: 100 for a weight.
 */
function isStale({ property, systemd, kernel, unchecked, shown }: PropertyRow): boolean {
  if (unchecked || shown === undefined || kernel === undefined) return false;
  const { unset, text } = meaningOf(property);
  const wanted = systemd ?? (unset === undefined ? '' : text(unset));
  return kernel !== wanted;
}

/** An empty value takes a setting away; systemd has no `CPUQuota=infinity`. */
function settingFor({ property, systemd = '' }: PropertyRow): string {
  return `${property}=${property === 'CPUQuota' && systemd === 'infinity' ? '' : systemd}`;
}

/**
 * What has systemd attach its filter of addresses anew. Seen on 257: after a reload it shows the new
 * lists, and packets pass as before; setting IPAccounting to what it is makes the lists count.
 */
function filterPush(properties: Iterable<string>, shown: Shown): string[] {
  if (![...properties].some(isByBpf)) return [];
  return [`IPAccounting=${shown.IPAccounting === 'yes' ? 'yes' : 'no'}`];
}

/** A unit as systemd and the kernel have it. */
interface LookedAt {
  unit: string;
  rows: PropertyRow[];
  /** A setting that makes the filter of addresses count, where there is to be one. */
  accounting: string[];
}

async function lookAtUnits(
  system: System,
  manager: ManagerKind,
  wishes: readonly UnitWish[],
): Promise<LookedAt[]> {
  const ours = wishes.filter((wish) => wish.manager === manager);
  const names = [...new Set(ours.map(({ units }) => units))];
  if (names.length === 0) return [];
  const text = await must(system, systemctlLine(manager, ...showArgs(names)));
  const contextFor = contextReader(process.env);
  const looked: LookedAt[] = [];
  for (const shown of parseShow(text)) {
    const observation = observe({ manager, shown });
    if (observation?.activeState !== 'active' || observation.cgroup === undefined) continue;
    const properties = propertiesFor(observation.unit, ours);
    const { rows } = compare(undefined, observation, await contextFor(observation, undefined));
    looked.push({
      unit: observation.unit,
      rows: rows.filter(({ property }) => properties.has(property)),
      accounting: manager === 'system' ? filterPush(properties, shown) : [],
    });
  }
  return looked;
}

/** What plans say of one unit; their patterns have `*` and nothing else. */
function propertiesFor(unit: string, wishes: readonly UnitWish[]): Set<string> {
  const own = wishes.filter(({ units }) => {
    const [start = '', ...rest] = units.split('*');
    const end = rest.join('*');
    return rest.length === 0 ? unit === units : unit.startsWith(start) && unit.endsWith(end);
  });
  return new Set(own.flatMap(({ properties }) => Object.keys(properties)));
}

/** Where `systemctl set-property --runtime` leaves its files. */
function controlFolder(manager: ManagerKind): string {
  const base = manager === 'system' ? '/run' : (process.env.XDG_RUNTIME_DIR ?? '/run');
  return `${base}/systemd/${manager}.control`;
}

function filesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Somebody else's settings are in it, or it is not there.
  }
}

/**
 * Tries a program that would run on for ever: it takes its options if only timeout(1) ends it.
 * @throws {UnavailableError} with what it said
 */
export async function tryOut(system: System, argv: readonly string[]): Promise<void> {
  const answer = await system.run(['timeout', '2', ...argv]);
  // Without the program there is nothing that could refuse.
  if (answer === undefined || answer.status === 124 || answer.status === 127) return;
  throw new UnavailableError(
    `${argv[0]} refuses its options: ${printable(answer.err.trim().split('\n')[0] ?? '')}`,
    {
      why: 'They were tried before anything was written. Nothing was changed.',
      remedy: shellLine(argv),
    },
  );
}
