/** Setting the budget and taking it away: in files for systemd, and in the kernel at once. */
import { rmdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { UnavailableError, UsageError } from '../errors/index.js';
import { machineOf } from '../inspect/machine.js';
import type { Finding, LeftOut, Limits, Machine, Profile } from '../model/index.js';
import { resolve } from '../profiles/index.js';
import { removeFile, replaceFile } from '../profiles/replace-file.js';
import { checkName, propertySpec } from '../properties/index.js';
import { parseBytes, roughBytes } from '../quantity/index.js';
import { systemctl } from '../systemd/client.js';
import { compileProperties } from '../systemd/compile.js';
import { isSealed, seal } from '../units/index.js';
import { defaultBudget } from './default.js';
import {
  type DropIn,
  dropInPaths,
  formatDropIn,
  readDropIn,
  readDropIns,
  type Setting,
  settingsOf,
} from './drop-in.js';
import { memoryInUse } from './limit.js';
import { type BudgetReport, isActive, showBudget, verifySlice } from './show.js';
import { BUDGET_SLICE, type Surroundings, sliceCgroup, surroundings } from './slice.js';

/** What changed, and the budget as it is then. */
export interface BudgetChange {
  /** The drop-in that was written. */
  written?: string;
  removed: string[];
  /** Former contents that somebody had edited by hand. */
  backups: string[];
  /** Properties that are not passed on here, and why. */
  leftOut: LeftOut[];
  budget: BudgetReport;
}

export interface SetOptions {
  /** systemd property name → value or share of the machine; none means the default. */
  wishes: Readonly<Record<string, string>>;
  /** Until the next boot only. */
  runtime: boolean;
  /** Lets pass what is refused as unwise. */
  force: boolean;
}

/**
 * Sets the budget for good or until the next boot, and sees it in force.
 * @throws {UsageError} for a value that is none, or that would harm
 * @throws {UnavailableError} without a user manager, or where it does not read what was written
 */
export async function setBudget(
  { wishes, runtime, force }: SetOptions,
  env: NodeJS.ProcessEnv = process.env,
): Promise<BudgetChange> {
  const places = surroundings({ env });
  const { settings, leftOut } = settingsFor(wishes, { force, env });
  if (!force) refuseBelowUse(settings, places);
  const paths = dropInPaths(places);
  const path = runtime ? runtimePath(paths.runtime) : paths.persistent;
  const former = settingsOf(readDropIns(places));
  // Asked first, so that without a manager nothing is written.
  await systemctl(['show', '--property=Version']);
  const change: Omit<BudgetChange, 'budget'> = { removed: [], backups: [], leftOut };
  write(path, settings, change);
  // It would go over what is set now.
  if (!runtime) remove(paths.runtime, change);
  await apply(settingsOf(readDropIns(places)), former, places);
  await checkIsRead(path);
  return { ...change, budget: showBudget(places) };
}

/**
 * Takes the budget away, or only what holds until the next boot.
 * @throws {UnavailableError} without a user manager
 */
export async function clearBudget(
  { runtime }: { runtime: boolean },
  env: NodeJS.ProcessEnv = process.env,
): Promise<BudgetChange> {
  const places = surroundings({ env });
  const paths = dropInPaths(places);
  const former = settingsOf(readDropIns(places));
  await systemctl(['show', '--property=Version']);
  const change: Omit<BudgetChange, 'budget'> = { removed: [], backups: [], leftOut: [] };
  remove(paths.runtime, change);
  if (!runtime) remove(paths.persistent, change);
  await apply(settingsOf(readDropIns(places)), former, places);
  const budget = showBudget(places);
  const elsewhere = runtime ? [] : budget.limits.map(setElsewhere);
  return { ...change, budget: { ...budget, findings: [...budget.findings, ...elsewhere] } };
}

/** A limit of the slice that is there though rlimit's own are gone. */
function setElsewhere({ property, value }: Setting): Finding {
  return {
    id: 'budget-set-elsewhere',
    severity: 'problem',
    unit: BUDGET_SLICE,
    property,
    observed: value,
    cause: `${BUDGET_SLICE} still has ${property}=${value}, which rlimit did not set`,
    remedy:
      `systemctl --user show -p FragmentPath,DropInPaths ${BUDGET_SLICE} tells where it is set; ` +
      `systemctl --user set-property --runtime ${BUDGET_SLICE} ${property}=infinity lifts it`,
  };
}

/**
 * What is asked, concrete on this machine.
 * @throws {UsageError} for a property that a slice has not, besides what `resolve` refuses
 */
export function settingsFor(
  wishes: Readonly<Record<string, string>>,
  {
    force = false,
    env = process.env,
    machine = machineOf(env),
  }: { force?: boolean; env?: NodeJS.ProcessEnv; machine?: Machine } = {},
): { settings: Setting[]; leftOut: LeftOut[] } {
  for (const name of Object.keys(wishes)) checkForSlice(name);
  const asked = Object.keys(wishes).length > 0 ? wishes : defaultBudget(machine);
  const limits: Limits = resolve(NOTHING, machine, { overrides: asked, force });
  if (limits.properties.length === 0) {
    throw new UsageError('a budget without limits is none', { remedy: 'rlimit budget clear' });
  }
  const { properties, leftOut } = compileProperties(limits, {
    systemd: machine.systemd,
    kind: 'slice',
  });
  const settings = limits.properties
    .filter(({ property }) => properties[property] !== undefined)
    .map(({ property, wish, rule }) => {
      const value = properties[property] ?? '';
      const explained = wish === value ? {} : { wish, ...(rule === undefined ? {} : { rule }) };
      return { property, value, ...explained };
    });
  return { settings, leftOut };
}

/** A profile that wishes nothing: all wishes are those of the command line. */
const NOTHING: Profile = {
  name: 'budget',
  summary: '',
  layer: 'built-in',
  lineage: [],
  limits: {},
  environment: {},
  origins: {},
};

function checkForSlice(name: string): void {
  const property = checkName(name);
  if (propertySpec(property).since.slice !== undefined) return;
  throw new UsageError(`${property}= is not a limit that a slice can have`, {
    why: 'A budget is the limits of the slice that all runs live in.',
  });
}

/** The kernel would make room at once, by killing what runs. */
function refuseBelowUse(settings: readonly Setting[], places: Surroundings): void {
  const max = settings.find(({ property }) => property === 'MemoryMax')?.value;
  const used = memoryInUse(sliceCgroup(BUDGET_SLICE, places), places);
  const bytes = max === undefined ? 'infinity' : parseBytes(max);
  if (used === undefined || bytes === 'infinity' || bytes >= used) return;
  throw new UsageError(`the runs use ${roughBytes(used)} now, and MemoryMax=${max} is less`, {
    why: 'The kernel would kill processes of theirs until they fit.',
    remedy: 'rlimit budget shows who uses what; to do it all the same: --force',
  });
}

function runtimePath(path: string | undefined): string {
  if (path !== undefined) return path;
  throw new UnavailableError('XDG_RUNTIME_DIR is not set', {
    why: 'What holds until the next boot is kept there.',
    remedy: 'export XDG_RUNTIME_DIR=/run/user/$(id -u)',
  });
}

type Files = Pick<BudgetChange, 'removed' | 'backups' | 'written'>;

/** A file that somebody edited by hand is kept as a backup. */
function write(path: string, settings: readonly Setting[], change: Files): void {
  const former = readDropIn(path);
  const backup = former !== undefined && !isSealed(former.text);
  const written = replaceFile(path, seal(formatDropIn(settings)), { overwrite: true, backup });
  change.written = path;
  if (written.backup !== undefined) change.backups.push(written.backup);
}

function remove(path: string | undefined, change: Files): void {
  const former: DropIn | undefined = readDropIn(path);
  if (path === undefined || former === undefined) return;
  if (isSealed(former.text)) rmSync(path);
  else change.backups.push(removeFile(path));
  change.removed.push(path);
  try {
    rmdirSync(dirname(path));
  } catch {
    // Something else is in it.
  }
}

/** Has systemd read the files, and sees to it that the kernel gets what they say. */
async function apply(
  now: readonly Setting[],
  former: readonly Setting[],
  places: Surroundings,
): Promise<void> {
  await systemctl(['daemon-reload']);
  if (now.length > 0) await systemctl(['start', BUDGET_SLICE]);
  if (!isActive(places)) return;
  const gone = former.filter(({ property }) => now.every((kept) => kept.property !== property));
  const wanted = [...now, ...gone.map(({ property }) => ({ property, value: unset(property) }))];
  if (!isStale(verifySlice(wanted, places).findings)) return;
  await push(wanted, places);
}

/** What takes a limit away, in `set-property` and for the comparison with the kernel. */
function unset(property: string): string {
  const { kind } = propertySpec(checkName(property));
  if (kind === 'tasks') return 'infinity';
  return kind === 'cpu-weight' || kind === 'io-weight' ? '100' : '';
}

function isStale(findings: readonly Finding[]): boolean {
  return findings.some(({ id }) => id === 'kernel-differs');
}

/**
 * Seen on systemd 257: it reads the new values on daemon-reload, and the cgroup of an active slice
 * keeps the old ones (252 and 262 write them). `set-property` with the same values writes them. It
 * also leaves drop-ins of its own, which would outlive `budget clear`, and go again here.
 */
async function push(wanted: readonly Setting[], places: Surroundings): Promise<void> {
  const { XDG_RUNTIME_DIR: runtime } = places.env;
  const folder = `${runtime}/systemd/user.control/${BUDGET_SLICE}.d`;
  const files = wanted.map(({ property }) => `${folder}/50-${property}.conf`);
  const own = files.filter((path) => readDropIn(path) === undefined);
  await systemctl([
    'set-property',
    '--runtime',
    BUDGET_SLICE,
    ...wanted.map(({ property, value }) => `${property}=${value}`),
  ]);
  for (const path of own) rmSync(path, { force: true });
  try {
    rmdirSync(folder);
  } catch {
    // Somebody else's settings are in it, or there is no such directory.
  }
  await systemctl(['daemon-reload']);
}

/** @throws {UnavailableError} where the manager looks for its files elsewhere than we do */
async function checkIsRead(path: string): Promise<void> {
  const shown = await systemctl(['show', '--property=DropInPaths', '--value', BUDGET_SLICE]);
  if (shown.includes(path)) return;
  throw new UnavailableError(`your systemd user manager does not read ${path}`, {
    why: 'It was written, but the manager was started with another XDG_CONFIG_HOME or XDG_RUNTIME_DIR than you have here.',
    remedy: `systemctl --user show-environment | grep XDG; and remove ${path}`,
  });
}
