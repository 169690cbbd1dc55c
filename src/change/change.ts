import { setTimeout as sleep } from 'node:timers/promises';
import {
  type KernelFiles,
  type Process,
  processesIn,
  readLimitFiles,
  readProcess,
  USAGE_FILES,
  usageOf,
} from '../cgroup/index.js';
import { UsageError } from '../errors/index.js';
import { devicesIn } from '../inspect/facts.js';
import { machineOf } from '../inspect/machine.js';
import { meaningOf } from '../inspect/meaning.js';
import { ancestorReader, controllersFor } from '../inspect/surroundings.js';
import { filesOf, filesToVerify, verifyKernel } from '../inspect/verify.js';
import type { Finding, Machine, UnitRecord } from '../model/index.js';
import { type LiveChange, resolveChange } from '../profiles/index.js';
import { isPropertyName, type PropertyName, propertySpec } from '../properties/index.js';
import { roughBytes } from '../quantity/index.js';
import { readRecords, recordDirectory, writeRecord } from '../state/index.js';
import { systemctl } from '../systemd/client.js';
import { compileProperties } from '../systemd/compile.js';
import { printable } from '../text/index.js';
import { type Hazard, hazardsOf } from './hazards.js';
import { linesOf, wantedOf, withChange } from './line.js';
import type { ChangeReport, ChangeRow } from './report.js';
import { findTarget, heldBy, heldText, type Target } from './target.js';

export interface ChangeOptions {
  /** Exact name, with its suffix. */
  unit: string;
  /** Property → value in systemd's syntax or as a profile writes it; empty for no limit. */
  properties: Readonly<Record<string, string>>;
  force: boolean;
  dryRun: boolean;
  env?: NodeJS.ProcessEnv;
}

/**
 * Changes limits of a unit that runs, and reads them back from the kernel.
 * @throws {UsageError} for a unit that does not run, a property that cannot be changed live, a value
 *   that would harm, or a MemoryMax below what is in use (unless forced)
 * @throws {UnknownNameError} for a unit or a property that does not exist
 * @throws {UnavailableError} when there is no manager, or not the right to change its units
 */
export async function changeUnit(options: ChangeOptions): Promise<ChangeReport> {
  const env = options.env ?? process.env;
  const directory = recordDirectory(env);
  const records = directory === undefined ? [] : readRecords(directory).records;
  const target = await findTarget(options.unit, options.properties, records);
  const record = records.find(({ unit }) => unit === target.unit);
  const machine = machineOf(env);
  const { unit, force } = options;
  const change = resolveChange(options.properties, heldBy(target), machine, { unit, force });
  checkPossible(change, target, machine);
  const hazards = hazardsOf(change.limits, target.usage, target.kernel);
  if (!force) refuseKill(hazards, target);
  const task: Task = { target, change, hazards, machine, slice: runSlice(record, target, change) };
  if (options.dryRun) return report(task, { dryRun: true });
  const outcome = await apply(task);
  const recorded = !outcome.gone && record !== undefined && directory !== undefined;
  if (recorded) writeRecord(directory, withChange(record, change));
  return report(task, { ...outcome, recorded });
}

/** What only systemd acts on (OOMPolicy=) is fixed when a unit is made, but for systemd-oomd's. */
function checkPossible(
  { limits, reset }: LiveChange,
  { kind, unit }: Target,
  machine: Machine,
): void {
  const names = [...limits.map(({ property }) => property), ...reset].filter(isPropertyName);
  const fixed = names.find(
    (name) => propertySpec(name).force === 'manager' && !name.startsWith('ManagedOOM'),
  );
  if (fixed !== undefined) {
    throw new UsageError(`${fixed}= cannot be changed while a unit runs`, {
      why: 'systemd takes it only when the unit is made.',
      remedy: `rlimit run -p ${fixed}=… -- COMMAND`,
    });
  }
  const { leftOut } = compileProperties(
    { profile: unit, properties: limits, leftOut: [], environment: {} },
    { systemd: machine.systemd, kind },
  );
  if (leftOut[0] === undefined) return;
  throw new UsageError(`${leftOut[0].property}= cannot be set for ${unit}`, {
    why: leftOut[0].why,
  });
}

/** @throws {UsageError} where the kernel would kill, with the figure in use and who has it */
function refuseKill(hazards: readonly Hazard[], { cgroup, unit }: Target): void {
  const hazard = hazards.find(({ id }) => id === 'memory-above-max');
  if (hazard === undefined) return;
  const largest = processesOf(cgroup)
    .slice(0, 3)
    .map(({ pid, comm, memory = 0 }) => `${printable(comm)} (${pid}) ${roughBytes(memory)}`);
  const limit = roughBytes(hazard.limit);
  throw new UsageError(`${unit} uses ${roughBytes(hazard.used)}, which is above ${limit}`, {
    why:
      `With MemoryMax=${limit} the kernel takes back what it can, and kills processes of the ` +
      `unit, at once, until it fits. ${roughBytes(hazard.cache ?? 0)} are cached files, which it ` +
      `can drop. The largest: ${largest.join(', ')}.`,
    remedy: 'a larger MemoryMax, or --force',
  });
}

/** The largest first. */
function processesOf(cgroup: string): Process[] {
  return processesIn(cgroup)
    .flatMap((pid) => readProcess(pid) ?? [])
    .sort((a, b) => (b.memory ?? 0) - (a.memory ?? 0));
}

/** A slice to be changed along, and the properties that it carries itself. */
interface RunSlice {
  slice: string;
  cgroup: string;
  properties: PropertyName[];
}

interface Task {
  target: Target;
  change: LiveChange;
  hazards: Hazard[];
  machine: Machine;
  slice: RunSlice | undefined;
}

/** A run inside a run can have its limits on its slice as well, where they would stay tighter. */
function runSlice(
  record: UnitRecord | undefined,
  { cgroup }: Target,
  change: LiveChange,
): RunSlice | undefined {
  const above = cgroup.slice(0, cgroup.lastIndexOf('/'));
  if (record?.ownSlice === undefined) return undefined;
  if (!above.endsWith(`/${record.slice}`)) return undefined;
  const wanted = wantedOf(change);
  const files = readLimitFiles(above, filesToVerify(wanted));
  const properties = Object.keys(wanted)
    .filter(isPropertyName)
    .filter((name) => isSet(name, wanted[name] ?? '', files));
  return properties.length === 0 ? undefined : { slice: record.slice, cgroup: above, properties };
}

function isSet(name: PropertyName, wanted: string, files: KernelFiles): boolean {
  const { unset = 'infinity', text } = meaningOf(name);
  const held = heldText(name, wanted, files, devicesIn({ [name]: wanted }));
  return held !== undefined && held !== text(unset);
}

interface Outcome {
  after: KernelFiles;
  findings: Finding[];
  oomKills?: { before: number; after: number };
  ended: Process[];
  gone: boolean;
}

async function apply(task: Task): Promise<Outcome> {
  const { target, hazards } = task;
  const kills = hazards.find(({ id }) => id === 'memory-above-max');
  const before = kills === undefined ? [] : processesOf(target.cgroup);
  for (const args of linesOf(target.unit, task.change, task.slice))
    await systemctl(args, { manager: target.manager });
  if (kills !== undefined) await settle(target.cgroup, kills.limit);
  const wanted = wantedOf(task.change);
  const after = readLimitFiles(target.cgroup, [...filesToVerify(wanted), ...USAGE_FILES]);
  const gone = after['cgroup.controllers'] === undefined;
  const oomKills = { before: target.usage.oomKills, after: usageOf(after).oomKills };
  return {
    after,
    gone,
    findings: gone ? [] : verify(task, wanted, after),
    ended: before.filter(({ pid, startTicks }) => readProcess(pid)?.startTicks !== startTicks),
    ...(oomKills.before === undefined || oomKills.after === undefined
      ? {}
      : { oomKills: { before: oomKills.before, after: oomKills.after } }),
  };
}

/** How long the kernel may take to bring use below a limit. */
const SETTLE_MS = 5000;

async function settle(cgroup: string, limit: number): Promise<void> {
  const deadline = performance.now() + SETTLE_MS;
  while (performance.now() < deadline) {
    const { memoryCurrent } = usageOf(readLimitFiles(cgroup, ['memory.current']));
    if (memoryCurrent === undefined || memoryCurrent <= limit) return;
    await sleep(20);
  }
}

function verify(
  { target, change, machine }: Task,
  wanted: Record<string, string>,
  after: KernelFiles,
): Finding[] {
  // systemd takes a controller away that no limit needs any more: then there is no limit either.
  const looked = Object.entries(wanted).filter(
    ([name]) => !change.reset.some((one) => one === name && isWithout(one, after)),
  );
  const { cgroup, unit, kind, manager } = target;
  const controllers = controllersFor(cgroup);
  const uid = /\/user@(\d+)\.service\//.exec(cgroup)?.[1];
  const findings = verifyKernel(Object.fromEntries(looked), after, {
    swap: machine.swap,
    unit,
    kind,
    system: manager === 'system',
    devices: devicesIn(wanted),
    ancestors: ancestorReader()(cgroup),
    ...(machine.systemd === undefined ? {} : { systemd: machine.systemd }),
    ...(controllers === undefined ? {} : { controllers }),
    ...(uid === undefined ? {} : { uid: Number(uid) }),
  });
  return findings.filter(({ property }) => property === undefined || property in wanted);
}

function isWithout(name: PropertyName, files: KernelFiles): boolean {
  return filesOf(name).every((file) => files[file] === undefined);
}

function report(
  task: Task,
  done: { dryRun: true } | (Outcome & { recorded: boolean }),
): ChangeReport {
  const { target, change, hazards, slice } = task;
  const outcome = 'after' in done ? done : undefined;
  const failed = new Set(
    (outcome?.findings ?? []).filter(({ id }) => id !== 'ancestor-tighter').map((f) => f.property),
  );
  return {
    dryRun: outcome === undefined,
    unit: target.unit,
    manager: target.manager,
    ...(slice === undefined ? {} : { slice: slice.slice }),
    rows: rowsOf(task, outcome?.after).map((row) => ({
      ...row,
      inForce:
        outcome !== undefined && !outcome.gone && !failed.has(row.property) && isTakenAway(row),
    })),
    leftOut: change.leftOut,
    hazards,
    findings: outcome?.findings ?? [],
    ...(outcome?.oomKills === undefined ? {} : { oomKills: outcome.oomKills }),
    ended: outcome?.ended ?? [],
    gone: outcome?.gone ?? false,
    recorded: outcome?.recorded ?? false,
    argv: linesOf(target.unit, change, slice).map((args) => [
      'systemctl',
      `--${target.manager}`,
      ...args,
    ]),
  };
}

/** A list that was taken away must have left nothing; other values have findings of their own. */
function isTakenAway({ property, value, after }: Omit<ChangeRow, 'inForce'>): boolean {
  const isList = isPropertyName(property) && propertySpec(property).kind === 'cpu-list';
  return !isList || value !== '' || after === undefined;
}

function rowsOf(
  { target, change }: Task,
  after: KernelFiles | undefined,
): Omit<ChangeRow, 'inForce'>[] {
  const wanted = wantedOf(change);
  const devices = devicesIn(wanted);
  const asked = [
    ...change.limits,
    ...change.reset.map((property) => ({ property, value: '', wish: '' })),
  ];
  return asked.map(({ property, value, wish, ...rest }) => {
    const rule = 'rule' in rest ? rest.rule : undefined;
    const held = (files: KernelFiles) =>
      isPropertyName(property)
        ? heldText(property, wanted[property] ?? '', files, devices)
        : undefined;
    const [was, is] = [held(target.kernel), after && held(after)];
    return {
      property,
      wish,
      value,
      ...(rule === undefined ? {} : { rule }),
      ...(was === undefined ? {} : { before: was }),
      ...(is === undefined ? {} : { after: is }),
    };
  });
}
