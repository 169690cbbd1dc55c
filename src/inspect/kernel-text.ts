/**
 * Properties as the kernel's files take them: what systemd would write for a unit, written by
 * rlimit where there is no systemd. Pure. The reverse of what ./meaning.ts reads.
 */
import type { Amount, Controller } from '../model/index.js';
import { isPropertyName, type PropertyName, propertySpec } from '../properties/index.js';
import {
  formatCpuList,
  parseBytes,
  parseCpuList,
  parseCpuQuota,
  parsePercent,
  parseRate,
  parseSpan,
  parseTasks,
  parseWeight,
} from '../quantity/index.js';
import { bfqWeight, type Devices, IO_FIELDS, tolerant } from './meaning.js';

/** One value for one file of a cgroup. */
export interface KernelWrite {
  property: PropertyName;
  controller: Controller;
  file: string;
  text: string;
  /** Where `file` is not there, the one that stands in for it, with its own scale. */
  instead?: { file: string; text: string };
}

/** What of the machine a value can be a share of. */
export interface KernelWriteContext {
  /** MemTotal and SwapTotal in bytes. */
  memory?: number;
  swap?: number;
  devices?: Devices;
}

/**
 * The writes that put properties in force, in their order. A value that is none here (a percentage
 * of unknown memory, what only systemd acts on) has no write; reading back tells so.
 * @param properties systemd property name → value in systemd's syntax
 */
export function kernelWrites(
  properties: Readonly<Record<string, string>>,
  context: KernelWriteContext = {},
): KernelWrite[] {
  return Object.entries(properties).flatMap(([name, text]) => {
    if (!isPropertyName(name)) return [];
    const write = tolerant(() => writeOf(name, text, { ...context, properties }));
    if (write === undefined) return [];
    const controller = write.controller ?? propertySpec(name).controller;
    return controller === undefined ? [] : [{ ...write, property: name, controller }];
  });
}

type Context = KernelWriteContext & { properties: Readonly<Record<string, string>> };
type Write = Pick<KernelWrite, 'file' | 'text' | 'instead'> & { controller?: Controller };

function writeOf(name: PropertyName, text: string, context: Context): Write | undefined {
  const { kind, file } = propertySpec(name);
  if (name === 'OOMPolicy') return oomGroup(text);
  if (file === undefined || name === 'CPUQuotaPeriodSec') return undefined;
  switch (kind) {
    case 'bytes':
      return bytesWrite(name, file, text, context);
    case 'cpu-quota':
      return { file, text: cpuMax(text, context.properties.CPUQuotaPeriodSec) };
    case 'cpu-weight':
      return cpuWeight(file, text);
    case 'io-weight':
      return ioWeight(file, 'default', text || '100');
    case 'tasks':
      return { file, text: amountText(parseTasks(text || 'infinity')) };
    case 'cpu-list':
      return { file, text: formatCpuList(parseCpuList(text)) };
    default:
      return deviceWrite(name, file, text, context);
  }
}

/** `kill` is the kernel's to do (memory.oom.group); `continue` is what it does anyway. */
function oomGroup(text: string): Write | undefined {
  const file = 'memory.oom.group';
  return text.trim() === 'kill' ? { file, text: '1', controller: 'memory' } : undefined;
}

function bytesWrite(
  name: PropertyName,
  file: string,
  text: string,
  { memory, swap }: Context,
): Write | undefined {
  const unset = name === 'MemoryMin' || name === 'MemoryLow' ? '0' : 'infinity';
  if (!text.trim().endsWith('%')) return { file, text: amountText(parseBytes(text || unset)) };
  // systemd.resource-control(5): of the installed memory, of the swap for swap.
  const whole = name === 'MemorySwapMax' ? swap : memory;
  if (whole === undefined) return undefined;
  return { file, text: String(Math.floor((whole * parsePercent(text)) / 10_000)) };
}

/** systemd's period where none is asked for, and the kernel's bounds for one. */
const PERIOD_USEC = 100_000;
const LEAST_USEC = 1000;

/** Quota and period in µs, as systemd writes them (see `settled` in ./meaning.ts). */
function cpuMax(text: string, periodText: string | undefined): string {
  const quota = parseCpuQuota(text || 'infinity');
  if (quota === 'infinity') return `max ${PERIOD_USEC}`;
  const asked = periodText ? parseSpan(periodText) : PERIOD_USEC;
  const wanted = asked === 'infinity' ? PERIOD_USEC : asked;
  const period = Math.min(Math.max(wanted, LEAST_USEC), 1_000_000);
  return `${Math.max(Math.floor((quota * period) / 1_000_000), LEAST_USEC)} ${period}`;
}

function cpuWeight(file: string, text: string): Write {
  const weight = parseWeight(text || '100', { idle: true });
  return weight === 'idle' ? { file: 'cpu.idle', text: '1' } : { file, text: String(weight) };
}

function ioWeight(file: string, device: string, text: string): Write {
  const weight = Number(parseWeight(text));
  return {
    file,
    text: `${device} ${weight}`,
    instead: { file: 'io.bfq.weight', text: `${device} ${bfqWeight(weight)}` },
  };
}

/** `/dev/vda 10M`: the kernel goes by the number of the device. */
function deviceWrite(
  name: PropertyName,
  file: string,
  text: string,
  { devices = {} }: Context,
): Write | undefined {
  const [, path = '', value = ''] = /^\s*(\S+)\s+(\S+)\s*$/.exec(text) ?? [];
  const device = devices[path];
  if (device === undefined) return undefined;
  if (name === 'IODeviceWeight') return ioWeight(file, device, value);
  const field = IO_FIELDS[name];
  if (field === undefined) return undefined;
  return { file, text: `${device} ${field}=${amountText(parseRate(value))}` };
}

function amountText(amount: Amount): string {
  return amount === 'infinity' ? 'max' : String(amount);
}
