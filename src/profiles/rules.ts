/** Which concrete values are refused, because they would harm or could not be meant. */
import { UsageError } from '../errors/index.js';
import type { Limit, Machine, TroubleId } from '../model/index.js';
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

/** Limits that `run` does not pass on as they are. */
export interface Refusal {
  id: TroubleId;
  /** The limit to look at first. */
  limit: Limit;
  /** What is wrong, with the figures and where they are from. */
  message: string;
  why: string;
  /** What to write on the command line instead. */
  remedy: string;
  /** No force lets it pass. */
  always?: true;
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
  const refusal = refusalsOf(limits, machine).find(({ always }) => always || !force);
  if (refusal === undefined) return;
  const { id, message, why, remedy } = refusal;
  throw new UsageError(message, { why, remedy, trouble: id });
}

/** Everything that is refused about limits: pure. */
export function refusalsOf(limits: readonly Limit[], machine: Machine): Refusal[] {
  const find = (name: PropertyName) => limits.find(({ property }) => property === name);
  const asked = (name: PropertyName) => {
    const limit = find(name);
    return limit?.origin.layer === 'running unit' ? undefined : limit;
  };
  const [max, high] = [asked('MemoryMax'), asked('MemoryHigh')];
  const refusals = [
    max && high && highAboveMax(max, high),
    max && belowFloor(max),
    max && aboveMemory(max, machine),
    high && aboveMemory(high, machine),
    aboveCpus(find('CPUQuota'), machine),
    absentCpu(find('AllowedCPUs'), machine),
    livelock(
      { high: find('MemoryHigh'), max: find('MemoryMax'), swap: find('MemorySwapMax') },
      machine,
    ),
  ];
  return refusals.filter((refusal) => refusal !== undefined);
}

/** A limit's comparable number; a limit of infinity is above every number. */
export function amountOf({ property, value }: Limit): number {
  const { amount } = checkValue(property, value);
  return amount === 'infinity' ? Number.POSITIVE_INFINITY : Number(amount);
}

/** `MemoryMax=8G (user profile ollama, …/ollama.yaml:4)`. */
export function described({ property, value, wish, origin }: Limit): string {
  const as = wish === value ? '' : `, written as ${wish}`;
  return `${property}=${value} (${placeOf(origin)}${as})`;
}

function placeOf({ layer, profile }: Limit['origin']): string {
  if (layer === 'command line') return 'on the command line';
  return layer === 'running unit' ? 'as the unit has it' : `in the ${layer} profile ${profile}`;
}

function highAboveMax(max: Limit, high: Limit): Refusal | undefined {
  if (high.value === 'infinity' || amountOf(high) <= amountOf(max)) return undefined;
  return {
    id: 'high-above-max',
    limit: high,
    message: `${described(high)} is above ${described(max)}`,
    why: 'Usage can never reach it: MemoryMax kills before.',
    remedy: 'a MemoryHigh below MemoryMax, or none: -p MemoryHigh=',
    always: true,
  };
}

function belowFloor(max: Limit): Refusal | undefined {
  if (amountOf(max) >= LEAST_MEMORY_MAX) return undefined;
  return {
    id: 'memory-floor',
    limit: max,
    message: `${described(max)} is under ${formatBytes(LEAST_MEMORY_MAX)}`,
    why: 'Hardly a program can start in so little, and the user’s systemd itself may get stuck.',
    remedy: 'a larger MemoryMax, or --force',
  };
}

function aboveMemory(limit: Limit, { memory }: Machine): Refusal | undefined {
  if (limit.value === 'infinity' || amountOf(limit) <= memory) return undefined;
  return {
    id: 'memory-above-machine',
    limit,
    message: `${described(limit)} is more than this machine has`,
    why: `It has ${roughBytes(memory)} of memory, so the limit would never act.`,
    remedy: `-p ${limit.property}='60% of memory', or --force`,
  };
}

function aboveCpus(quota: Limit | undefined, { cpus }: Machine): Refusal | undefined {
  if (quota === undefined || amountOf(quota) <= cpus * ONE_CORE) return undefined;
  return {
    id: 'quota-above-machine',
    limit: quota,
    message: `${described(quota)} is more than this machine has`,
    why: `It has ${cpus} CPUs, which is ${cpus * 100}%, so the limit would never act.`,
    remedy: "-p CPUQuota='75% of cores', or --force",
  };
}

function absentCpu(limit: Limit | undefined, { cpus }: Machine): Refusal | undefined {
  if (limit === undefined) return undefined;
  const beyond = parseCpuList(limit.value).find((cpu) => cpu >= cpus);
  if (beyond === undefined) return undefined;
  return {
    id: 'cpu-not-present',
    limit,
    message: `${described(limit)}: there is no CPU ${beyond} on this machine`,
    why: `It has CPUs 0 to ${cpus - 1}.`,
    remedy: `-p AllowedCPUs='${limit.value} where present', or --force`,
  };
}

interface Memory {
  high: Limit | undefined;
  max: Limit | undefined;
  swap: Limit | undefined;
}

function livelock({ high, max, swap }: Memory, machine: Machine): Refusal | undefined {
  if (high === undefined || high.value === 'infinity') return undefined;
  if (max && amountOf(high) >= amountOf(max)) return undefined;
  const without = swap !== undefined && amountOf(swap) === 0;
  if (!without && machine.swap > 0) return undefined;
  return {
    id: 'high-below-max-without-swap',
    limit: high,
    message: `${described(high)} ${without ? 'with MemorySwapMax=0' : 'on a machine without swap'} is a trap`,
    why: LIVELOCK,
    remedy: without
      ? '-p MemoryHigh=infinity, or allow swap, or --force'
      : 'leave MemoryHigh out, or --force',
  };
}
