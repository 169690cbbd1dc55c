import { UnknownNameError, UsageError } from '../errors/index.js';
import {
  formatAddresses,
  formatBytes,
  formatCpuList,
  formatCpuQuota,
  formatPercent,
  formatSpan,
  parseAddresses,
  parseBytes,
  parseCpuList,
  parseCpuQuota,
  parsePercent,
  parseSpan,
  parseTasks,
  parseWeight,
  QuantityError,
} from '../quantity/index.js';
import {
  isPropertyName,
  NOT_FOR_SCOPES,
  PROPERTY_NAMES,
  type PropertyName,
  propertySpec,
  type ValueKind,
} from './table.js';

/** A property's value, understood. */
export interface CheckedValue {
  property: PropertyName;
  /** The value in systemd's syntax, in the one form rlimit prints. */
  text: string;
  /**
   * What two values are compared by: bytes, µs of CPU time per second, µs, a weight, tasks,
   * hundredths of a percent; or the text itself where there is no number (`infinity`, `50%` of
   * a memory that is not known here, a CPU list, a policy).
   */
  amount: number | string;
}

/**
 * Reads a property's value by its kind. An empty value is no value here: callers that take one as
 * a reset look for it first.
 * @throws {UnknownNameError} for a property rlimit does not know, with the nearest names
 * @throws {UsageError} for a setting that scopes do not take, and for a value systemd would refuse
 */
export function checkValue(name: string, text: string): CheckedValue {
  const property = checkName(name);
  try {
    return { property, ...read(property, propertySpec(property).kind, text) };
  } catch (error) {
    if (error instanceof QuantityError) throw new UsageError(`${property}: ${error.message}`);
    throw error;
  }
}

/**
 * Makes sure that rlimit knows a property.
 * @throws {UnknownNameError} with the nearest names
 * @throws {UsageError} for a setting that scopes do not take, with what to use instead
 */
export function checkName(name: string): PropertyName {
  if (isPropertyName(name)) return name;
  if (Object.hasOwn(NOT_FOR_SCOPES, name)) {
    throw new UsageError(`${name}= is not a limit that rlimit can set`, {
      why: 'systemd takes it for services only, if at all.',
      remedy: NOT_FOR_SCOPES[name] ?? '',
    });
  }
  throw new UnknownNameError('property', name, PROPERTY_NAMES);
}

type Read = Omit<CheckedValue, 'property'>;

function read(property: PropertyName, kind: ValueKind, text: string): Read {
  switch (kind) {
    case 'bytes':
      return readBytes(property, text);
    case 'cpu-quota':
      return printed(parseCpuQuota(text), formatCpuQuota);
    case 'cpu-weight':
      return printed(parseWeight(text, { idle: true }), String);
    case 'io-weight':
      return printed(parseWeight(text), String);
    case 'tasks':
      return printed(parseTasks(text), String);
    case 'cpu-list':
      return readCpuList(text);
    case 'span':
      return printed(parseSpan(text), formatSpan);
    case 'percent':
      return printed(parseUpTo100(text), formatPercent);
    case 'addresses':
      return readAddresses(text);
    case 'boolean':
      return readBoolean(text);
    case 'io-device-weight':
      return readDevice(text, (value) => String(parseWeight(value)));
    case 'io-device-bytes':
      return readDevice(text, readRate);
    case 'io-device-count':
      return readDevice(text, readRate);
    default:
      return readWord(kind, text);
  }
}

function printed<T extends number | string>(amount: T, print: (amount: T) => string): Read {
  return { text: print(amount), amount };
}

/** Settings that systemd refuses at 0: nothing can run in no memory. */
const NEVER_ZERO: readonly PropertyName[] = ['MemoryMax', 'MemoryHigh'];

function readBytes(property: PropertyName, text: string): Read {
  if (text.trim().endsWith('%')) {
    const percent = formatPercent(parseUpTo100(text));
    if (percent === '0%' && NEVER_ZERO.includes(property)) {
      throw new QuantityError(text, 'a share of memory above 0%');
    }
    return { text: percent, amount: percent };
  }
  const bytes = parseBytes(text);
  if (bytes === 0 && NEVER_ZERO.includes(property)) {
    throw new QuantityError(text, 'a size above 0 (systemd refuses 0 here)');
  }
  return printed(bytes, formatBytes);
}

function parseUpTo100(text: string): number {
  const permyriad = parsePercent(text);
  if (permyriad > 10_000) throw new QuantityError(text, 'a percentage up to 100%');
  return permyriad;
}

function readCpuList(text: string): Read {
  const cpus = parseCpuList(text);
  if (cpus.length === 0) throw new QuantityError(text, 'a list of CPUs such as 0-7 or 0,2,8-11');
  const list = formatCpuList(cpus);
  return { text: list, amount: list };
}

/** The words stay as they are; two lists are the same that hold the same addresses. */
function readAddresses(text: string): Read {
  const amount = formatAddresses(parseAddresses(text));
  if (amount === '') throw new QuantityError(text, 'addresses, such as 10.0.0.0/8 or localhost');
  return { text: text.trim().split(/\s+/).join(' '), amount };
}

/** systemd's own words for true and false. */
const TRUE = ['1', 'yes', 'y', 'true', 't', 'on'];
const FALSE = ['0', 'no', 'n', 'false', 'f', 'off'];

function readBoolean(text: string): Read {
  const word = text.trim().toLowerCase();
  if (TRUE.includes(word)) return { text: 'yes', amount: 'yes' };
  if (FALSE.includes(word)) return { text: 'no', amount: 'no' };
  throw new QuantityError(text, 'yes or no');
}

/** `/dev/sda 10M`: a device, or a file on it, and a value. */
function readDevice(text: string, readValue: (value: string) => string): Read {
  const [, path = '', value = ''] = /^\s*(\/\S*)\s+(\S+)\s*$/.exec(text) ?? [];
  if (path === '') {
    throw new QuantityError(text, 'a device and a value, such as "/dev/sda 10M"');
  }
  const result = `${path} ${readValue(value)}`;
  return { text: result, amount: result };
}

/** Bandwidths count in base 1000, unlike memory (systemd.resource-control(5)). */
function readRate(value: string): string {
  if (value === 'infinity') return value;
  if (!/^\d{1,15}(?:\.\d{1,6})?[KMGT]?$/.test(value) || /^[0.]*[KMGT]?$/.test(value)) {
    throw new QuantityError(value, 'a rate above 0 with K, M, G or T behind it (base 1000)');
  }
  return value;
}

function readWord(words: readonly string[], text: string): Read {
  const word = text.trim();
  if (!words.includes(word)) throw new QuantityError(text, `one of ${words.join(', ')}`);
  return { text: word, amount: word };
}
