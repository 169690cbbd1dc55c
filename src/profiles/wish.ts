import { UsageError } from '../errors/index.js';
import type { Machine } from '../model/index.js';
import {
  checkName,
  checkValue,
  type PropertyName,
  propertySpec,
  type ValueKind,
} from '../properties/index.js';
import {
  formatBytes,
  formatCpuList,
  formatPercent,
  GiB,
  looksLikeShare,
  MiB,
  parseCpuList,
  parsePercent,
  parseShare,
  QuantityError,
  type Share,
} from '../quantity/index.js';
import { counted } from '../text/counted.js';

/** A wish made concrete, or the reason why there is nothing to pass on. */
export type Concrete =
  | { value: string; amount: number | string; rule?: string }
  | { leftOut: string };

/** `0-7 where present`: those of the CPUs that the machine has. */
const WHERE_PRESENT = /\s+where\s+present\s*$/;

/** Memory is counted in pages; every machine's page is a multiple of this one. */
const PAGE = 4096n;

/**
 * Makes sure that a value in a profile can be resolved on some machine.
 * @throws {UsageError} with the property's name
 */
export function checkWish(name: string, wish: string): void {
  const property = checkName(name);
  attempt(property, () => {
    const { kind } = propertySpec(property);
    if (looksLikeShare(wish)) readShare(kind, wish);
    else checkValue(property, withoutCondition(kind, wish));
  });
}

/**
 * Turns a profile's value into a concrete one, in whole numbers throughout.
 * @param wish a share of the machine, or a value in systemd's syntax
 * @throws {UsageError} with the property's name
 */
export function concretize(property: PropertyName, wish: string, machine: Machine): Concrete {
  return attempt(property, () => {
    const { kind } = propertySpec(property);
    if (looksLikeShare(wish)) {
      const share = readShare(kind, wish);
      return share.of === 'memory' ? memoryShare(share, machine) : cpuShare(share, machine);
    }
    if (isConditional(kind, wish)) return presentCpus(wish, machine);
    const { text, amount } = checkValue(property, wish);
    return kind === 'bytes' && text.endsWith('%')
      ? memoryPercent(text, machine)
      : { value: text, amount };
  });
}

function attempt<T>(property: PropertyName, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof QuantityError) throw new UsageError(`${property}: ${error.message}`);
    throw error;
  }
}

function readShare(kind: ValueKind, wish: string): Share {
  const share = parseShare(wish);
  if (kind === 'bytes' && share.of !== 'memory') {
    throw new QuantityError(wish, 'a share of memory, such as 60% of memory');
  }
  if (kind === 'cpu-quota' && share.of === 'memory') {
    throw new QuantityError(wish, 'a share of cores or cpus, such as 75% of cores');
  }
  if (kind !== 'bytes' && kind !== 'cpu-quota') {
    throw new QuantityError(wish, 'a value for this property: only sizes and CPUQuota take shares');
  }
  return share;
}

function isConditional(kind: ValueKind, wish: string): boolean {
  return kind === 'cpu-list' && WHERE_PRESENT.test(wish);
}

function withoutCondition(kind: ValueKind, wish: string): string {
  return isConditional(kind, wish) ? wish.replace(WHERE_PRESENT, '') : wish;
}

/** Rounded down to two significant digits of GiB, and then to whole MiB. */
function memoryShare({ permyriad }: Share, machine: Machine): Concrete {
  const numerator = BigInt(machine.memory) * BigInt(permyriad);
  const denominator = 10_000n * BigInt(GiB);
  const [digits, scale] = twoDigits(numerator, denominator);
  const bytes = Number(scaled(digits * 1024n, scale)) * MiB;
  const value = formatBytes(bytes);
  const exact = decimal(numerator, denominator);
  const part = `${formatPercent(permyriad)} of ${gibibytes(machine.memory)} is ${exact}G`;
  const isExact = BigInt(bytes) * 10_000n === numerator;
  const rule = isExact ? part : `${part}, rounded down to ${value}`;
  return { value, amount: bytes, rule };
}

/**
 * The first two digits of a positive fraction as a number from 10 to 99, and the power of ten to
 * divide them by: 151.2 is 15 and -1, 1.2 is 12 and 1.
 */
function twoDigits(numerator: bigint, denominator: bigint): [digits: bigint, scale: number] {
  let scale = 0;
  let top = numerator;
  let bottom = denominator;
  while (top / bottom >= 100n) {
    bottom *= 10n;
    scale -= 1;
  }
  while (top / bottom < 10n) {
    top *= 10n;
    scale += 1;
  }
  return [top / bottom, scale];
}

function scaled(value: bigint, scale: number): bigint {
  return scale >= 0 ? value / 10n ** BigInt(scale) : value * 10n ** BigInt(-scale);
}

/** Rounded down to whole cores, or the exact share where that is less than one. */
function cpuShare({ permyriad, of }: Share, machine: Machine): Concrete {
  const count = of === 'cpus' ? machine.cpus : machine.cores;
  const unit = of === 'cpus' ? 'CPU' : 'core';
  // Hundredths of a percent of one core: 10000 of them are a whole one.
  const exact = count * permyriad;
  const whole = exact - (exact % 10_000);
  const quota = whole === 0 ? exact : whole;
  const amount = decimal(BigInt(exact), 10_000n);
  const part = `${formatPercent(permyriad)} of ${counted(count, unit)} is ${amount}`;
  const rule = quota === exact ? part : `${part}, rounded down to ${counted(quota / 10_000, unit)}`;
  // A CPUQuota's amount is µs of CPU time per second: 100 of them are a hundredth of a percent.
  return { value: formatPercent(quota), amount: quota * 100, rule };
}

/** As systemd does it (physical_memory_scale): whole pages, not bytes, are multiplied. */
function memoryPercent(percent: string, machine: Machine): Concrete {
  const pages = BigInt(machine.memory) / PAGE;
  const bytes = Number(((pages * BigInt(parsePercent(percent))) / 10_000n) * PAGE);
  const rule = `${percent} of ${gibibytes(machine.memory)}, as systemd counts it`;
  return { value: formatBytes(bytes), amount: bytes, rule };
}

function presentCpus(wish: string, machine: Machine): Concrete {
  const wanted = parseCpuList(wish.replace(WHERE_PRESENT, ''));
  const present = wanted.filter((cpu) => cpu < machine.cpus);
  const has = `this machine has CPUs ${formatCpuList([...Array(machine.cpus).keys()])}`;
  if (present.length === 0) return { leftOut: `${has}, and none of them is meant` };
  if (present.length === machine.cpus) return { leftOut: `${has}, and all of them are meant` };
  const value = formatCpuList(present);
  const rule = present.length < wanted.length ? { rule: has } : {};
  return { value, amount: value, ...rule };
}

/** A fraction with at most two decimals, the rest cut off. */
function decimal(numerator: bigint, denominator: bigint): string {
  const hundredths = (numerator * 100n) / denominator;
  const rest = String(hundredths % 100n)
    .padStart(2, '0')
    .replace(/0+$/, '');
  return rest === '' ? `${hundredths / 100n}` : `${hundredths / 100n}.${rest}`;
}

/** Bytes as GiB, cut rather than rounded: a share must not look larger than what it is of. */
function gibibytes(bytes: number): string {
  return `${decimal(BigInt(bytes), BigInt(GiB))}G`;
}
