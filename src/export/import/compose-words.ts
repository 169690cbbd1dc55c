/** The keys of a Compose service that are limits, and what they are in systemd's words. Pure. */
import { formatBytes, formatCpuList, formatPercent, parseCpuList } from '../../quantity/index.js';
import { isObject } from '../../state/check.js';
import { cpuWeightOfShares, ioWeightOfBlkio } from '../scales.js';
import { valueTrouble } from './settings.js';

export type Mapping = Record<string, unknown>;

/** A key that was read: a limit, or the reason why it is none. */
export type Word =
  | { key: string; property: string; value: string; note?: string }
  | { key: string; property?: undefined; why: string; note?: undefined };

export function wordsOf(service: Mapping): Word[] {
  const { deploy } = service;
  const resources = isObject(deploy) && isObject(deploy.resources) ? deploy.resources : {};
  const { limits = {}, reservations = {} } = resources;
  const words: Word[] = [];
  const read = (key: string, value: unknown, make: (value: string) => Word | Word[]) => {
    if (value === undefined || value === null) return;
    const scalar = typeof value === 'string' || typeof value === 'number';
    if (!scalar) words.push({ key, why: 'it is no plain value' });
    else if (String(value).includes('$')) {
      words.push({ key, why: `it is ${String(value)}, and variables are not expanded here` });
    } else words.push(...[make(String(value).trim())].flat());
  };
  // The form of deploy wins, as in Compose itself, where both stand.
  for (const [prefix, own, keys] of [
    ['', service, PLAIN],
    ['deploy.resources.limits.', limits, DEPLOY_LIMITS],
    ['deploy.resources.reservations.', reservations, DEPLOY_RESERVATIONS],
  ] as const) {
    if (!isObject(own)) continue;
    for (const [key, make] of Object.entries(keys)) {
      read(prefix + key, own[key], (value) => make(prefix + key, value));
    }
  }
  words.push(...swapWords(service, limits), ...quotaWords(service), ...blkioWords(service));
  return words;
}

type Reader = (key: string, value: string) => Word;

const bytes =
  (property: string): Reader =>
  (key, value) => {
    const size = bytesOf(value);
    return size === undefined
      ? { key, why: `${value} is no size` }
      : { key, property, value: size < 0 ? 'infinity' : formatBytes(size) };
  };

const cpus: Reader = (key, value) => {
  const cores = /^\d{1,5}(?:\.\d{1,9})?$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isNaN(cores)) return { key, why: `${value} is no number of CPUs` };
  if (cores === 0) return { key, why: '0 is no limit' };
  return {
    key,
    property: 'CPUQuota',
    value: formatPercent(Math.max(1, Math.round(cores * 10_000))),
  };
};

const pids: Reader = (key, value) => {
  if (Number(value) <= 0) return { key, property: 'TasksMax', value: 'infinity' };
  return { key, property: 'TasksMax', value };
};

export const PLAIN: Readonly<Record<string, Reader>> = {
  mem_limit: bytes('MemoryMax'),
  mem_reservation: bytes('MemoryLow'),
  cpus,
  cpuset: (key, value) => {
    const list = tolerantList(value);
    return list === undefined
      ? { key, why: `${value} is no list of CPUs` }
      : { key, property: 'AllowedCPUs', value: list };
  },
  cpu_shares: (key, value) => ({
    key,
    property: 'CPUWeight',
    value: String(cpuWeightOfShares(Number(value))),
    note: `${value} shares, on the scale of runc 1.3.2 and later`,
  }),
  pids_limit: pids,
};

const DEPLOY_LIMITS: Readonly<Record<string, Reader>> = { memory: bytes('MemoryMax'), cpus, pids };

const DEPLOY_RESERVATIONS: Readonly<Record<string, Reader>> = {
  memory: bytes('MemoryLow'),
  cpus: (key) => ({ key, why: 'a profile keeps no CPUs free' }),
};

/** memswap_limit is memory and swap together; 0 is the same as no line (Compose Specification). */
function swapWords({ memswap_limit: both, mem_limit: plain }: Mapping, limits: unknown): Word[] {
  const key = 'memswap_limit';
  if (both === undefined || both === null) return [];
  const total = bytesOf(String(both));
  const memory = bytesOf(String((isObject(limits) ? limits.memory : undefined) ?? plain ?? ''));
  if (total === undefined) return [{ key, why: `${String(both)} is no size` }];
  if (total === 0) return [];
  if (total < 0) return [{ key, property: 'MemorySwapMax', value: 'infinity' }];
  if (memory === undefined || memory > total)
    return [{ key, why: 'it needs a mem_limit below it' }];
  return [{ key, property: 'MemorySwapMax', value: formatBytes(total - memory) }];
}

/** A quota in µs for each period, 100 ms where it is not said. */
function quotaWords({ cpu_quota: quota, cpu_period: period }: Mapping): Word[] {
  const key = 'cpu_quota';
  if (quota === undefined || quota === null || Number(quota) <= 0) return [];
  const usec = Number(period ?? 100_000);
  const permyriad = Math.round((Number(quota) * 10_000) / usec);
  if (!(permyriad >= 1)) return [{ key, why: `${String(quota)} is no number of microseconds` }];
  return [
    { key, property: 'CPUQuota', value: formatPercent(permyriad) },
    ...(period === undefined || usec === 100_000
      ? []
      : [{ key: 'cpu_period', property: 'CPUQuotaPeriodSec', value: `${usec}us` }]),
  ];
}

const DEVICE_KEYS = {
  weight_device: 'IODeviceWeight',
  device_read_bps: 'IOReadBandwidthMax',
  device_write_bps: 'IOWriteBandwidthMax',
  device_read_iops: 'IOReadIOPSMax',
  device_write_iops: 'IOWriteIOPSMax',
} as const;

function blkioWords({ blkio_config: config }: Mapping): Word[] {
  if (!isObject(config)) return [];
  const key = 'blkio_config.weight';
  const weight = weightOf(config.weight);
  const words: Word[] = [];
  if (weight !== undefined) {
    const note = `${String(config.weight)} is io.weight ${weight} (runc, crun)`;
    words.push({ key, property: 'IOWeight', value: String(weight), note });
  } else if (config.weight !== undefined)
    words.push({ key, why: 'it is no weight from 10 to 1000' });
  for (const [name, property] of Object.entries(DEVICE_KEYS)) {
    const entries = Array.isArray(config[name]) ? (config[name] as unknown[]) : [];
    for (const [at, entry] of entries.entries()) {
      const { path, weight: own, rate } = isObject(entry) ? entry : {};
      const amount = property === 'IODeviceWeight' ? weightOf(own) : rateOf(rate);
      const where = `blkio_config.${name} of ${String(path)}`;
      if (amount === undefined) words.push({ key: where, why: 'it has no figure' });
      else if (at > 0) words.push({ key: where, why: 'a profile holds one device for a property' });
      else words.push({ key: where, property, value: `${String(path)} ${amount}` });
    }
  }
  return words;
}

/** Docker's sizes: base 1024, `b`, `k`, `m`, `g`, `t`, also `kb` and `KiB` (go-units). -1 is no limit. */
function bytesOf(text: string): number | undefined {
  if (text === '-1') return -1;
  const [, number = '', suffix = ''] =
    /^(\d{1,15}(?:\.\d{1,6})?)\s*([bkmgtp]?)(?:i?b)?$/i.exec(text) ?? [];
  if (number === '') return undefined;
  const rank = Math.max(0, ['', 'k', 'm', 'g', 't', 'p'].indexOf(suffix.toLowerCase()));
  const bytes = Math.floor(Number(number) * 1024 ** rank);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Rates have the same suffixes, and base 1024 as well; as a whole number it means the same here. */
function rateOf(value: unknown): number | undefined {
  const bytes = bytesOf(String(value ?? ''));
  return bytes !== undefined && bytes > 0 ? bytes : undefined;
}

function weightOf(value: unknown): number | undefined {
  const weight = Number(value);
  const isWeight = Number.isInteger(weight) && weight >= 10 && weight <= 1000;
  return isWeight ? ioWeightOfBlkio(weight) : undefined;
}

function tolerantList(text: string): string | undefined {
  return /^[\d,\s-]+$/.test(text) && valueTrouble('AllowedCPUs', text) === undefined
    ? formatCpuList(parseCpuList(text))
    : undefined;
}
