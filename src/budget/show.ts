/** The budget as it is: what is asked, what the kernel holds, who has it and who waits. */
import { statSync } from 'node:fs';
import { type KernelFiles, readLimitFiles } from '../cgroup/index.js';
import { ioWeightsCount } from '../inspect/facts.js';
import { filesToVerify, type KernelContext, verifyKernel } from '../inspect/index.js';
import { meaningOf, tolerant } from '../inspect/meaning.js';
import { ancestorReader, controllersFor } from '../inspect/surroundings.js';
import { readMemory } from '../machine/index.js';
import type { BudgetHolder, BudgetState, BudgetWaiter, Finding } from '../model/index.js';
import { isPropertyName } from '../properties/index.js';
import { formatBytes } from '../quantity/index.js';
import type { BrokenRecord } from '../state/index.js';
import { readDropIns, type Setting, settingsOf } from './drop-in.js';
import { holderOf, type Ledger, readLedger, stateOf, waitersOf } from './ledger.js';
import { memoryBudget, memoryInUse } from './limit.js';
import { BUDGET_SLICE, type Surroundings, sliceCgroup, surroundings } from './slice.js';

/** One limit of the budget. */
export interface BudgetLimit extends Setting {
  /** What the kernel holds, in systemd's syntax. Absent without a file, or before the first run. */
  kernel?: string;
  /** Whether the kernel holds what is asked. False as long as the slice is not active. */
  inForce: boolean;
}

/** What `rlimit budget` found; also what `--json` prints. */
export interface BudgetReport {
  slice: string;
  /** Whether the slice is there: it is from the first run on. */
  active: boolean;
  limits: BudgetLimit[];
  /** The drop-ins that say so. */
  files: string[];
  /** In bytes; only where memory is bounded. */
  memory?: Pick<BudgetState, 'memoryMax' | 'promised' | 'free'>;
  /** What all runs use together, bytes. */
  used?: number;
  holders: BudgetHolder[];
  waiting: BudgetWaiter[];
  findings: Finding[];
  /** Files among the records and in the queue that could not be used. */
  brokenRecords: BrokenRecord[];
}

/** Looks at the budget, in files alone: it needs no service manager. */
export function showBudget(options: Partial<Surroundings> = {}): BudgetReport {
  const places = surroundings(options);
  const ledger = ledgerOf(places);
  const memoryMax = memoryBudget(places);
  const cgroup = sliceCgroup(BUDGET_SLICE, places);
  const used = memoryInUse(cgroup, places);
  const files = readDropIns(places);
  const asked = settingsOf(files);
  const isForeign = asked.every(({ property }) => property !== 'MemoryMax');
  const limits = isForeign && memoryMax !== undefined ? [held(memoryMax), ...asked] : asked;
  const active = isActive(places);
  const { findings, kernel } = active ? verifySlice(limits, places) : { findings: [], kernel: {} };
  return {
    slice: BUDGET_SLICE,
    active,
    limits: limits.map((setting) => limitOf(setting, kernel, { active, findings })),
    files: files.map(({ path }) => path),
    ...(memoryMax === undefined ? {} : { memory: memoryOf(stateOf(ledger, memoryMax, places)) }),
    ...(used === undefined ? {} : { used }),
    holders: ledger.holdings.map((holding) => holderOf(holding, places)),
    waiting: waitersOf(ledger.queue),
    findings,
    brokenRecords: ledger.broken,
  };
}

/** The memory of the budget and who has it; absent when none is set. For a line of `inspect`. */
export function budgetState(options: Partial<Surroundings> = {}): BudgetState | undefined {
  const places = surroundings(options);
  const memoryMax = memoryBudget(places);
  return memoryMax === undefined ? undefined : stateOf(ledgerOf(places), memoryMax, places);
}

/** Whether systemd has made the slice. */
export function isActive(places: Surroundings): boolean {
  const path = `${places.root}${sliceCgroup(BUDGET_SLICE, places)}`;
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** What the kernel holds of settings for the slice of all runs, and what of it is wrong. */
export function verifySlice(
  settings: readonly Pick<Setting, 'property' | 'value'>[],
  places: Surroundings,
): { findings: Finding[]; kernel: KernelFiles } {
  const cgroup = sliceCgroup(BUDGET_SLICE, places);
  const properties = Object.fromEntries(settings.map(({ property, value }) => [property, value]));
  const kernel = readLimitFiles(cgroup, filesToVerify(properties), places.root);
  const controllers = controllersFor(cgroup, places.root);
  const weights = ioWeightsCount({ root: places.root });
  const context: KernelContext = {
    unit: BUDGET_SLICE,
    kind: 'slice',
    uid: places.uid,
    swap: readMemory().swap,
    ancestors: ancestorReader(places.root)(cgroup),
    ...(controllers === undefined ? {} : { controllers }),
    ...(weights === undefined ? {} : { ioWeights: weights }),
  };
  return { findings: verifyKernel(properties, kernel, context), kernel };
}

function ledgerOf(places: Surroundings): Ledger {
  const { directory } = places;
  if (directory !== undefined) return readLedger({ ...places, directory });
  return { holdings: [], queue: [], dead: { units: [], places: [] }, broken: [] };
}

/** A limit that somebody else set: `systemctl --user set-property`, or a file of the slice itself. */
function held(memoryMax: number): Setting {
  return { property: 'MemoryMax', value: formatBytes(memoryMax) };
}

function limitOf(
  setting: Setting,
  kernel: KernelFiles,
  { active, findings }: { active: boolean; findings: readonly Finding[] },
): BudgetLimit {
  const { property } = setting;
  const text = kernelText(property, kernel);
  const troubled = findings.some(
    (finding) => finding.property === property && finding.id !== 'ancestor-tighter',
  );
  return {
    ...setting,
    ...(text === undefined ? {} : { kernel: text }),
    inForce: active && !troubled,
  };
}

function kernelText(property: string, kernel: KernelFiles): string | undefined {
  if (!isPropertyName(property)) return undefined;
  const meaning = meaningOf(property);
  const value = tolerant(() => meaning.kernel?.(kernel, undefined, {}));
  return value === undefined ? undefined : meaning.text(value);
}

function memoryOf({ memoryMax, promised, free }: BudgetState) {
  return { memoryMax, promised, free };
}
