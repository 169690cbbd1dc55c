/** Sets timers and services of rlimit up, takes them away, and says how they do. */
import { UnavailableError, UsageError } from '../errors/index.js';
import { configHome } from '../profiles/places.js';
import { type ManagerKind, systemctl } from '../systemd/client.js';
import { parseShow, type Shown } from '../systemd/show.js';
import { printable } from '../text/index.js';
import {
  type AskProgram,
  complaintsOf,
  type FileChange,
  type Origin,
  originOf,
  ownText,
  planOf,
  readUnit,
  removeOwn,
  type UnitText,
  writeOwn,
} from '../units/index.js';
import {
  INSTALLED_BY,
  startedUnit,
  TIMER_NAMES,
  TIMER_TITLES,
  type TimerName,
  type TimerOptions,
  unitTexts,
  workingUnit,
} from './units.js';

/** Where units go, and who is asked. Other ones in tests. */
export interface TimerPlace {
  manager: ManagerKind;
  directory: string;
  systemctl: (args: readonly string[]) => Promise<string>;
  /** Asks systemd-analyze what it has against units. */
  ask: AskProgram;
}

/** Here: `~/.config/systemd/user` (systemd.unit(5)), or /etc/systemd/system. */
export function timerPlace(manager: ManagerKind, env: NodeJS.ProcessEnv = process.env): TimerPlace {
  return {
    manager,
    directory: manager === 'system' ? '/etc/systemd/system' : `${configHome({ env })}/systemd/user`,
    systemctl: (args) => systemctl(args, { manager, utc: true }),
    ask: askAnalyze,
  };
}

/** What was done; also what `--json` prints. */
export interface TimerChange {
  manager: ManagerKind;
  timers: TimerName[];
  files: FileChange[];
  /** Lines of systemctl. */
  commands: string[];
}

/** What would be written, by path. */
export function draftTimers(
  names: readonly TimerName[],
  options: TimerOptions,
  { directory }: Pick<TimerPlace, 'directory'>,
): Record<string, string> {
  const units = unitTexts(names, options);
  return Object.fromEntries(units.map(({ name, text }) => [`${directory}/${name}`, ownText(text)]));
}

/**
 * Writes the units, has systemd check them first, and enables and starts them. What is there already and
 * runs is left alone.
 * @throws {UnavailableError} when systemd does not take them, or cannot be reached; nothing is written then
 */
export async function installTimers(
  names: readonly TimerName[],
  options: TimerOptions,
  place: TimerPlace,
): Promise<TimerChange> {
  const units = unitTexts(names, options);
  refusePlanned(units, place);
  await checkTimers(units, place.manager, place.ask);
  // Asked before anything is written: without a manager there is nothing to install for.
  await place.systemctl(['show', '--property=Version']);
  const files = units.map(({ name, text }) => writeOwn(`${place.directory}/${name}`, text, AUTHOR));
  const commands = teller(place);
  await commands.run(['daemon-reload']);
  await commands.run(['enable', '--now', ...names.map(startedUnit)]);
  const changed = names.filter((name) => hasChanged(name, files)).map(startedUnit);
  if (changed.length > 0) await commands.run(['restart', ...changed]);
  return { manager: place.manager, timers: [...names], files, commands: commands.lines };
}

/** @throws {UnavailableError} for units that systemd does not take; asked before they are written */
export async function checkTimers(
  units: readonly UnitText[],
  manager: ManagerKind,
  ask: AskProgram,
): Promise<void> {
  const complaints = (await complaintsOf(units, manager, ask)) ?? [];
  if (complaints.length === 0) return;
  throw new UnavailableError('systemd does not take the units', {
    why: [...complaints, 'Nothing has changed.'].join('\n'),
    remedy: 'systemd-analyze calendar EXPRESSION',
  });
}

/** One owner each: what a plan has written would be drift to it. */
function refusePlanned(units: readonly UnitText[], { directory }: TimerPlace): void {
  for (const { name } of units) {
    const there = readUnit(`${directory}/${name}`) ?? '';
    const plan = planOf(there);
    if (plan === undefined) continue;
    throw new UsageError(`${name} is there by plan ${printable(plan)}`, {
      why: 'Nothing has changed.',
      remedy: `change the plan and apply it again, or: rlimit apply ${printable(plan)} --revert`,
    });
  }
}

/**
 * Stops and disables what we installed, takes the files away, and puts back what they replaced.
 * @throws {UnavailableError} when a file cannot be removed, or systemd cannot be reached
 */
export async function removeTimers(
  names: readonly TimerName[],
  place: TimerPlace,
): Promise<TimerChange> {
  const there = names.filter((name) => isInstalled(name, place));
  const commands = teller(place);
  if (there.length > 0) {
    await commands.run(['disable', '--now', ...there.map(startedUnit)]);
    await commands.run(['stop', ...there.map(workingUnit)]);
  }
  const files = there
    .flatMap((name) => filesOf(name))
    .flatMap((unit) => removeOwn(`${place.directory}/${unit}`, AUTHOR) ?? []);
  if (there.length > 0) {
    await commands.run(['daemon-reload']);
    // A failed verification would stay in the list of failed units.
    await place.systemctl(['reset-failed', ...there.map(workingUnit)]).catch(() => '');
  }
  return { manager: place.manager, timers: there, files, commands: commands.lines };
}

/** How one does. */
export interface TimerStatus {
  name: TimerName;
  title: string;
  unit: string;
  installed: boolean;
  /** Its file was edited since, or is not ours at all. */
  origin?: Origin['origin'];
  /** The plan (`rlimit apply`) that its file is part of. */
  plan?: string;
  /** systemd's ActiveState and UnitFileState of the unit that is enabled. */
  active?: string;
  /** What the timer starts runs at this moment: when it elapses next is known afterwards. */
  running?: true;
  enabled?: string;
  /** Milliseconds since the epoch: when it runs next and ran last. */
  next?: number;
  last?: number;
  /** systemd's Result of the last run of the service, and its exit status; absent before the first. */
  result?: string;
  status?: number;
}

/** @throws {UnavailableError} when systemd cannot be reached */
export async function timerStatus(place: TimerPlace): Promise<TimerStatus[]> {
  const units = [...new Set(TIMER_NAMES.flatMap((name) => [startedUnit(name), workingUnit(name)]))];
  const asked = ['show', `--property=${ASKED.join()}`, '--', ...units];
  const shown = parseShow(await place.systemctl(asked), ASKED);
  const of = (unit: string) => shown.find(({ Id }) => Id === unit) ?? {};
  return TIMER_NAMES.map((name) => {
    const text = readUnit(`${place.directory}/${workingUnit(name)}`);
    return {
      name,
      title: TIMER_TITLES[name],
      unit: startedUnit(name),
      installed: text !== undefined,
      ...(text === undefined ? {} : ownerOf(text)),
      ...(text === undefined ? {} : statusOf(of(startedUnit(name)), of(workingUnit(name)))),
    };
  });
}

function ownerOf(text: string): Pick<TimerStatus, 'origin' | 'plan'> {
  const plan = planOf(text);
  return { origin: originOf(text, AUTHOR).origin, ...(plan === undefined ? {} : { plan }) };
}

const AUTHOR = `# ${INSTALLED_BY}`;

const ASKED = [
  ...[
    'Id',
    'ActiveState',
    'SubState',
    'UnitFileState',
    'Result',
    'ExecMainStatus',
    'ExecMainExitTimestamp',
  ],
  ...['LastTriggerUSec', 'NextElapseUSecRealtime', 'ExecMainStartTimestamp'],
];

function statusOf(started: Shown, working: Shown): Partial<TimerStatus> {
  const next = momentOf(started.NextElapseUSecRealtime);
  const last = momentOf(working.ExecMainStartTimestamp) ?? momentOf(started.LastTriggerUSec);
  const hasEnded = momentOf(working.ExecMainExitTimestamp) !== undefined;
  return {
    ...(started.ActiveState === undefined ? {} : { active: started.ActiveState }),
    ...(started.SubState === 'running' && started !== working ? { running: true as const } : {}),
    ...(started.UnitFileState ? { enabled: started.UnitFileState } : {}),
    ...(next === undefined ? {} : { next }),
    ...(last === undefined ? {} : { last }),
    ...(hasEnded && working.Result !== undefined ? { result: working.Result } : {}),
    ...(hasEnded ? { status: Number(working.ExecMainStatus ?? 0) } : {}),
  };
}

/** `Sat 2026-11-21 23:40:46 UTC` in milliseconds; empty and `n/a` are never. */
function momentOf(text: string | undefined): number | undefined {
  const [, day, time] = /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)? UTC$/.exec(text ?? '') ?? [];
  return day === undefined ? undefined : Date.parse(`${day}T${time}Z`);
}

/**
 * The names of an argument list, each once and in our order; all where none is named.
 * @throws {UsageError} for what is no name
 */
export function timerNames(words: readonly string[]): TimerName[] {
  const wrong = words.find((word) => !(TIMER_NAMES as readonly string[]).includes(word));
  if (wrong !== undefined) {
    throw new UsageError(`there is no timer ${JSON.stringify(wrong)}`, {
      why: `There are ${TIMER_NAMES.join(', ')}.`,
    });
  }
  return words.length === 0 ? [...TIMER_NAMES] : TIMER_NAMES.filter((name) => words.includes(name));
}

function filesOf(name: TimerName): string[] {
  return [...new Set([workingUnit(name), startedUnit(name)])];
}

function isInstalled(name: TimerName, { directory }: TimerPlace): boolean {
  return filesOf(name).some((unit) => {
    const text = readUnit(`${directory}/${unit}`);
    return text !== undefined && originOf(text, AUTHOR).origin !== 'foreign';
  });
}

function hasChanged(name: TimerName, files: readonly FileChange[]): boolean {
  return files.some(
    ({ file, done }) =>
      done === 'replaced' && filesOf(name).some((unit) => file.endsWith(`/${unit}`)),
  );
}

function teller({ systemctl, manager }: TimerPlace) {
  const lines: string[] = [];
  return {
    lines,
    run: async (args: readonly string[]) => {
      await systemctl(args);
      lines.push(`systemctl${manager === 'user' ? ' --user' : ''} ${args.join(' ')}`);
    },
  };
}

const askAnalyze: AskProgram = async ([program = '', ...args]) => {
  const { execa } = await import('execa');
  const result = await execa(program, args, {
    reject: false,
    timeout: 60_000,
    env: { LC_ALL: 'C.UTF-8', SYSTEMD_COLORS: '0' },
  });
  if (result.code === 'ENOENT') return undefined;
  return { status: result.exitCode ?? 1, out: result.stdout, err: result.stderr };
};
