/** Which concrete values are refused, because they would harm or could not be meant. */
import { UsageError } from '../errors/index.js';
import type { Limit, Machine } from '../model/index.js';
import { checkValue, type PropertyName } from '../properties/index.js';
import { formatBytes, MiB, ONE_CORE, parseCpuList, roughBytes } from '../quantity/index.js';

/**
 * The least MemoryMax that is passed on without force: below it, as its users report, the user's
 * systemd itself may get stuck.
 */
const LEAST_MEMORY_MAX = 16 * MiB;

/** The livelock of a MemoryHigh without swap, in the words used everywhere. */
export const LIVELOCK =
  'Without swap, a process that settles between MemoryHigh and MemoryMax is never killed: the ' +
  'kernel slows everything in its cgroup down for ever.';

export interface RuleOptions {
  /** Lets pass what a user may know better. */
  force?: boolean;
}

/**
 * Looks at all limits together. Those that a running unit has already count only in combinations.
 * @throws {UsageError} for the first combination that is refused, with the reason
 */
export function checkRules(
  limits: readonly Limit[],
  machine: Machine,
  { force = false }: RuleOptions = {},
): void {
  const find = (name: PropertyName) => limits.find(({ property }) => property === name);
  const max = find('MemoryMax');
  const high = find('MemoryHigh');
  const swap = find('MemorySwapMax');
  const isAsked = (limit: Limit | undefined): limit is Limit =>
    limit !== undefined && limit.origin.layer !== 'running unit';
  if (isAsked(max) && isAsked(high)) checkOrder(max, high);
  if (force) return;
  if (isAsked(max)) checkLeast(max);
  for (const limit of [max, high]) if (isAsked(limit)) checkMemory(limit, machine);
  const quota = find('CPUQuota');
  if (quota) checkQuota(quota, machine);
  const cpus = find('AllowedCPUs');
  if (cpus) checkCpus(cpus, machine);
  if (high) checkLivelock({ high, max, swap }, machine);
}

/** A limit's comparable number; a limit of infinity is above every number. */
export function amountOf({ property, value }: Limit): number {
  const { amount } = checkValue(property, value);
  return amount === 'infinity' ? Number.POSITIVE_INFINITY : Number(amount);
}

/** `MemoryMax=8G (user profile ollama, …/ollama.yaml:4)`. */
function described({ property, value, wish, origin }: Limit): string {
  const as = wish === value ? '' : `, written as ${wish}`;
  return `${property}=${value} (${placeOf(origin)}${as})`;
}

function placeOf({ layer, profile }: Limit['origin']): string {
  if (layer === 'command line') return 'on the command line';
  return layer === 'running unit' ? 'as the unit has it' : `in the ${layer} profile ${profile}`;
}

function checkOrder(max: Limit, high: Limit): void {
  if (high.value === 'infinity' || amountOf(high) <= amountOf(max)) return;
  throw new UsageError(`${described(high)} is above ${described(max)}`, {
    why: 'Usage can never reach it: MemoryMax kills before.',
    remedy: 'a MemoryHigh below MemoryMax, or none: -p MemoryHigh=',
  });
}

function checkLeast(max: Limit): void {
  if (amountOf(max) >= LEAST_MEMORY_MAX) return;
  throw new UsageError(`${described(max)} is under ${formatBytes(LEAST_MEMORY_MAX)}`, {
    why: 'Hardly a program can start in so little, and the user’s systemd itself may get stuck.',
    remedy: 'a larger MemoryMax, or --force',
  });
}

function checkMemory(limit: Limit, { memory }: Machine): void {
  if (limit.value === 'infinity' || amountOf(limit) <= memory) return;
  throw new UsageError(`${described(limit)} is more than this machine has`, {
    why: `It has ${roughBytes(memory)} of memory, so the limit would never act.`,
    remedy: `-p ${limit.property}='60% of memory', or --force`,
  });
}

function checkQuota(quota: Limit, { cpus }: Machine): void {
  if (amountOf(quota) <= cpus * ONE_CORE) return;
  throw new UsageError(`${described(quota)} is more than this machine has`, {
    why: `It has ${cpus} CPUs, which is ${cpus * 100}%, so the limit would never act.`,
    remedy: "-p CPUQuota='75% of cores', or --force",
  });
}

function checkCpus(limit: Limit, { cpus }: Machine): void {
  const beyond = parseCpuList(limit.value).find((cpu) => cpu >= cpus);
  if (beyond === undefined) return;
  throw new UsageError(`${described(limit)}: there is no CPU ${beyond} on this machine`, {
    why: `It has CPUs 0 to ${cpus - 1}.`,
    remedy: `-p AllowedCPUs='${limit.value} where present', or --force`,
  });
}

interface Memory {
  high: Limit;
  max: Limit | undefined;
  swap: Limit | undefined;
}

function checkLivelock({ high, max, swap }: Memory, machine: Machine): void {
  if (high.value === 'infinity' || (max && amountOf(high) >= amountOf(max))) return;
  if (swap && amountOf(swap) === 0) {
    throw new UsageError(`${described(high)} with MemorySwapMax=0 is a trap`, {
      why: LIVELOCK,
      remedy: '-p MemoryHigh=infinity, or allow swap, or --force',
    });
  }
  if (machine.swap > 0) return;
  throw new UsageError(`${described(high)} on a machine without swap is a trap`, {
    why: LIVELOCK,
    remedy: 'leave MemoryHigh out, or --force',
  });
}
