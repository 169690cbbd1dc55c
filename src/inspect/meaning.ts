/**
 * What each property's value is in three languages: as it is asked for (systemd.syntax), as
 * `systemctl show` prints it, and as the kernel's file holds it. Pure.
 */
import {
  type IoCaps,
  type KernelFiles,
  parseAmount,
  parseCount,
  parseCpuMax,
  parseCpus,
  parseIoMax,
  parseIoWeight,
} from '../cgroup/index.js';
import type { Amount } from '../model/index.js';
import { type PropertyName, propertySpec, type ValueKind } from '../properties/index.js';
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
  parseRate,
  parseSpan,
  parseTasks,
  parseWeight,
  QuantityError,
} from '../quantity/index.js';

/** One value, in a form in which equal values are equal. Lists and devices are canonical text. */
export type Value = number | string;

/** Numbers of the devices that properties name by path: `/dev/vda` → `254:0`. */
export type Devices = Readonly<Record<string, string>>;

export interface Meaning {
  /** Reads what was asked. Throws QuantityError where only systemd can tell (`MemoryMax=60%`). */
  asked(text: string): Value;
  /** Reads what systemd shows; absent where nothing is set. */
  shown(text: string): Value | undefined;
  /** Reads what the kernel holds; absent where it has no such file, or nothing is set in it. */
  kernel?(files: KernelFiles, wanted: Value | undefined, devices: Devices): Value | undefined;
  /** What the kernel makes of a wanted value, rounded as it and systemd do. */
  settled?(wanted: Value, files: KernelFiles): Value;
  /** Whether `held` lets the unit have more than `wanted`. */
  looser(wanted: Value, held: Value): boolean;
  /** For people, in systemd's syntax. */
  text(value: Value): string;
  /** The value of a unit for which nobody asked anything; absent where that differs by machine. */
  unset?: Value;
}

/** The meaning of a property's values. */
export function meaningOf(name: PropertyName): Meaning {
  const { kind, file = '' } = propertySpec(name);
  if (typeof kind !== 'string') return WORD;
  if (name === 'CPUQuotaPeriodSec') return PERIOD;
  if (name === 'IPAccounting') return { ...BOOLEAN, unset: 'no' };
  if (kind === 'bytes') return isProtection(name) ? protection(file) : cap(file);
  if (kind === 'io-device-bytes' || kind === 'io-device-count') return ioCap(name);
  if (kind === 'cpu-list') return cpus(file);
  return BY_KIND[kind];
}

/** The value, or undefined where the text is none that we can read by ourselves. */
export function tolerant<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof QuantityError) return undefined;
    throw error;
  }
}

/** CPU time in µs per second that cpu.max grants: `27000 100000` is 270000. */
export function grantedCpu(content: string): Amount {
  const { quota, period } = parseCpuMax(content);
  return quota === 'infinity' ? quota : (quota * 1_000_000) / period;
}

/** Page sizes of Linux on the machines there are: the kernel cuts sizes to whole pages. */
const PAGE_SIZES = [4096, 16_384, 65_536] as const;

const WORD: Meaning = {
  asked: (text) => text.trim(),
  shown: (text) => text.trim() || undefined,
  looser: (wanted, held) => wanted !== held,
  text: String,
};

function cap(file: string): Meaning {
  return {
    asked: (text) => parseBytes(text || 'infinity'),
    shown: (text) => unlessUnset(text, parseBytes),
    kernel: (files) => optional(files, file, parseAmount),
    settled: (wanted, files) => wholePages(wanted, optional(files, file, parseAmount)),
    looser: exceeds,
    text: (value) => formatBytes(value as Amount),
    unset: 'infinity',
  };
}

/** MemoryMin and MemoryLow protect: less of it is looser, and infinity is the most. */
function isProtection(name: PropertyName): boolean {
  return name === 'MemoryMin' || name === 'MemoryLow';
}

function protection(file: string): Meaning {
  return {
    ...cap(file),
    asked: (text) => parseBytes(text || '0'),
    looser: (wanted, held) => exceeds(held, wanted),
    unset: 0,
  };
}

/** mm/page_counter.c divides by the page size; the remainder is lost. */
function wholePages(wanted: Value, held: Value | undefined): Value {
  if (typeof wanted !== 'number') return wanted;
  const rounded = PAGE_SIZES.map((size) => Math.floor(wanted / size) * size);
  return rounded.find((bytes) => bytes === held) ?? rounded[0] ?? wanted;
}

const QUOTA: Meaning = {
  asked: (text) => parseCpuQuota(text || 'infinity'),
  shown: (text) => unlessUnset(text, parseSpan),
  kernel: (files) => {
    const content = files['cpu.max'];
    return content === undefined ? undefined : grantedCpu(content);
  },
  settled: (wanted, files) => {
    const content = files['cpu.max'];
    if (typeof wanted !== 'number' || content === undefined) return wanted;
    // systemd writes whole µs for each period, and at least the 1 ms that is the kernel's least
    // (cgroup_apply_unified_cpu_quota in its src/core/cgroup.c).
    const { period } = parseCpuMax(content);
    const quota = Math.max(Math.floor((wanted * period) / 1_000_000), 1000);
    return (quota * 1_000_000) / period;
  },
  looser: exceeds,
  text: (value) => formatCpuQuota(value as Amount),
  unset: 'infinity',
};

/** Seen: CPUQuotaPeriodUSec shows infinity for "not set", and systemd then uses 100 ms. */
const PERIOD: Meaning = {
  asked: (text) => parseSpan(text),
  shown: (text) => unlessUnset(text, parseSpan),
  kernel: (files) => {
    const content = files['cpu.max'];
    return content === undefined ? undefined : parseCpuMax(content).period;
  },
  settled: (wanted, files) => {
    const content = files['cpu.max'];
    if (typeof wanted !== 'number' || content === undefined) return wanted;
    const { quota, period } = parseCpuMax(content);
    // Without a quota systemd always writes 100 ms; with one, 1 ms to 1 s, and so long that the
    // quota's part of it is 1 ms at least (cgroup_cpu_adjust_period).
    if (quota === 'infinity') return period;
    const least = quota <= 1000 ? Math.max(1000, period) : 1000;
    return Math.min(Math.max(wanted, least), 1_000_000);
  },
  looser: () => true,
  text: (value) => formatSpan(value as Amount),
  unset: 'infinity',
};

const CPU_WEIGHT: Meaning = {
  asked: (text) => parseWeight(text, { idle: true }),
  shown: (text) => unlessUnset(text, (value) => parseWeight(value, { idle: true })),
  kernel: (files) =>
    files['cpu.idle'] === '1' ? 'idle' : optional(files, 'cpu.weight', parseCount),
  settled: (wanted) => wanted,
  looser: (wanted, held) => wanted !== held,
  text: String,
  unset: 100,
};

const IO_WEIGHT: Meaning = {
  asked: (text) => parseWeight(text),
  shown: (text) => unlessUnset(text, (value) => parseWeight(value)),
  kernel: (files) => defaultIoWeight(files),
  settled: (wanted, files) =>
    typeof wanted === 'number' && files['io.weight'] === undefined ? bfqWeight(wanted) : wanted,
  looser: (wanted, held) => wanted !== held,
  text: String,
  unset: 100,
};

/** io.weight where io.cost is built into the kernel, otherwise the weight of the BFQ scheduler. */
function defaultIoWeight(files: KernelFiles): number | undefined {
  const content = files['io.weight'] ?? files['io.bfq.weight'];
  return content === undefined ? undefined : parseIoWeight(content).default;
}

/** systemd maps 1…100…10000 to BFQ's 1…100…1000 (BFQ_WEIGHT in its src/basic/cgroup-util.h). */
export function bfqWeight(weight: number): number {
  return weight <= 100 ? weight : 100 + Math.floor(((weight - 100) * 900) / 9900);
}

const TASKS: Meaning = {
  asked: (text) => parseTasks(text),
  shown: (text) => unlessUnset(text, parseBytes),
  kernel: (files) => optional(files, 'pids.max', parseAmount),
  settled: (wanted) => wanted,
  looser: exceeds,
  text: String,
};

function cpus(file: string): Meaning {
  return {
    asked: (text) => formatCpuList(parseCpuList(text)),
    shown: (text) => formatCpuList(parseCpuList(text)) || undefined,
    kernel: (files) =>
      optional(files, file, (content) => formatCpuList(parseCpus(content, file)) || undefined),
    settled: (wanted) => wanted,
    looser: (wanted, held) => {
      const allowed = new Set(parseCpuList(String(wanted)));
      return parseCpuList(String(held)).some((cpu) => !allowed.has(cpu));
    },
    text: String,
  };
}

const SPAN: Meaning = {
  asked: (text) => parseSpan(text || 'infinity'),
  shown: (text) => unlessUnset(text, parseSpan),
  looser: exceeds,
  text: (value) => formatSpan(value as Amount),
  unset: 'infinity',
};

const PERCENT: Meaning = {
  asked: (text) => parsePercent(text),
  shown: (text) => shownPercent(text),
  looser: (wanted, held) => wanted !== held,
  text: (value) => formatPercent(value as number),
};

/** D-Bus carries the percentage as a part of 2^32 - 1, and `systemctl show` prints it so or as %. */
function shownPercent(text: string): number | undefined {
  if (text.includes('%')) return parsePercent(text);
  if (!/^\d{1,10}$/.test(text)) return undefined;
  return Math.round((Number(text) / (2 ** 32 - 1)) * 10_000);
}

const BOOLEAN: Meaning = {
  ...WORD,
  asked: (text) => (/^(1|yes|y|true|t|on)$/i.test(text.trim()) ? 'yes' : 'no'),
};

const ADDRESSES: Meaning = {
  asked: (text) => formatAddresses(parseAddresses(text)),
  shown: (text) => formatAddresses(parseAddresses(text)) || undefined,
  looser: (wanted, held) => wanted !== held,
  text: String,
  unset: '',
};

/** `/dev/vda 200`: the device stands in front, by path or by number. */
const IO_DEVICE_WEIGHT: Meaning = {
  asked: (text) => deviceValue(text, (value) => Number(parseWeight(value))),
  shown: (text) => text.trim() || undefined,
  kernel: (files, wanted, devices) => {
    const content = files['io.weight'] ?? files['io.bfq.weight'];
    if (content === undefined) return undefined;
    const weights = parseIoWeight(content).devices;
    return heldFor(wanted, devices, (device) => weights[device]);
  },
  settled: (wanted, files) =>
    files['io.weight'] === undefined ? mapDevice(wanted, bfqWeight) : wanted,
  looser: (wanted, held) => wanted !== held,
  text: String,
};

/** The key of io.max for each cap. */
export const IO_FIELDS: Record<string, keyof IoCaps> = {
  IOReadBandwidthMax: 'rbps',
  IOWriteBandwidthMax: 'wbps',
  IOReadIOPSMax: 'riops',
  IOWriteIOPSMax: 'wiops',
};

function ioCap(name: PropertyName): Meaning {
  const field = IO_FIELDS[name] ?? 'rbps';
  return {
    asked: (text) => deviceValue(text, parseRate),
    shown: (text) => text.trim() || undefined,
    kernel: (files, wanted, devices) =>
      optional(files, 'io.max', (content) => {
        const caps = parseIoMax(content);
        return heldFor(wanted, devices, (device) => caps[device]?.[field]);
      }),
    settled: (wanted) => wanted,
    looser: (wanted, held) => exceeds(amountOf(wanted), amountOf(held)),
    text: String,
  };
}

function deviceValue(text: string, parse: (value: string) => Amount): string {
  const match = /^\s*(\S+)\s+(\S+)\s*$/.exec(text);
  if (!match) throw new QuantityError(text, 'a device and a value, such as /dev/vda 10M');
  return `${match[1]} ${parse(match[2] ?? '')}`;
}

/** What the kernel holds for the device of a wanted value, written like that one. */
function heldFor(
  wanted: Value | undefined,
  devices: Devices,
  read: (device: string) => Amount | undefined,
): Value | undefined {
  const [path = ''] = String(wanted ?? '').split(' ');
  const held = read(devices[path] ?? path);
  return held === undefined ? undefined : `${path} ${held}`;
}

function mapDevice(value: Value, change: (amount: number) => number): Value {
  const [path, amount] = String(value).split(' ');
  return `${path} ${change(Number(amount))}`;
}

function amountOf(value: Value): Amount {
  const amount = String(value).split(' ')[1] ?? '';
  return amount === 'infinity' ? amount : Number(amount);
}

const BY_KIND: Record<
  Exclude<ValueKind & string, 'bytes' | 'cpu-list' | 'io-device-bytes' | 'io-device-count'>,
  Meaning
> = {
  'cpu-quota': QUOTA,
  'cpu-weight': CPU_WEIGHT,
  'io-weight': IO_WEIGHT,
  tasks: TASKS,
  span: SPAN,
  boolean: BOOLEAN,
  addresses: ADDRESSES,
  percent: PERCENT,
  'io-device-weight': IO_DEVICE_WEIGHT,
};

/** Whether one amount is more than another. */
function exceeds(wanted: Value, held: Value): boolean {
  if (wanted === 'infinity') return false;
  return held === 'infinity' || Number(held) > Number(wanted);
}

/** systemctl writes `[not set]` for a value that is not set, and nothing for an empty list. */
function unlessUnset<T>(text: string, parse: (text: string) => T): T | undefined {
  const trimmed = text.trim();
  return trimmed === '' || trimmed === '[not set]' ? undefined : parse(trimmed);
}

function optional<T>(
  files: KernelFiles,
  file: string,
  parse: (content: string, file: string) => T,
): T | undefined {
  const content = files[file];
  return content === undefined ? undefined : parse(content, file);
}
