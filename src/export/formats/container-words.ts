/** systemd's properties in the words of container engines: Compose keys and `run` options. */
import type { PropertyName } from '../../properties/index.js';
import { parseRate, parseSpan } from '../../quantity/index.js';
import { blkioOfIoWeight, bytesOf, ioWeightOfBlkio, sharesOfCpuWeight, sized } from '../scales.js';
import {
  type Dictionary,
  never,
  type Teller,
  type Told,
  withoutFilter,
  withoutOomd,
} from '../translate.js';

/** One setting in both notations. */
export interface ContainerWord {
  /** Keys of a Compose service; mappings of several words are merged. */
  compose: Record<string, unknown>;
  args: string[];
}

/** Docker counts in base 1024 too, and knows these suffixes (go-units, RAMInBytes). */
export const size = (bytes: number) => sized(bytes, ['', 'k', 'm', 'g']);

const word = (compose: Record<string, unknown>, ...args: string[]): Told<ContainerWord> => ({
  say: { compose, args },
});

const NO_LIMIT = 'without the line a container has no such limit';

/** Docker's and Compose's words. */
export const DOCKER: Dictionary<ContainerWord> = {
  MemoryMax: (value) => {
    const bytes = bytesOf(value);
    if (bytes === undefined) return { already: NO_LIMIT };
    return word({ mem_limit: size(bytes) }, `--memory=${size(bytes)}`);
  },
  // mem_reservation becomes memory.low (opencontainers/cgroups, fs2/memory.go).
  MemoryLow: (value) => {
    const bytes = bytesOf(value);
    if (bytes === undefined) return { cannot: 'a reservation needs a figure' };
    return word({ mem_reservation: size(bytes) }, `--memory-reservation=${size(bytes)}`);
  },
  MemoryMin: never('Docker has no memory.min'),
  MemoryHigh: (value) =>
    value === 'infinity'
      ? { already: NO_LIMIT }
      : { cannot: 'Docker has no memory.high: nothing slows the container down before the kill' },
  MemorySwapMax: swap,
  MemoryZSwapMax: never('Docker has no memory.zswap.max'),
  CPUQuota: (value, find) => {
    const period = find('CPUQuotaPeriodSec');
    if (period !== undefined) return quotaAndPeriod(value, period);
    const cpus = String(Number(value.slice(0, -1)) / 100);
    return word({ cpus }, `--cpus=${cpus}`);
  },
  CPUQuotaPeriodSec: (_, find) =>
    find('CPUQuota') === undefined
      ? { cannot: 'a period without a CPUQuota does nothing' }
      : { already: 'it stands with the quota' },
  CPUWeight: (value) => {
    if (value === 'idle') return { cannot: 'CPU shares have no idle' };
    if (value === '100') return { already: 'it is everybody’s default' };
    const shares = sharesOfCpuWeight(Number(value));
    const note = `shares on the scale of runc 1.3.2 and crun 1.23; earlier ones give them less weight`;
    return { say: { compose: { cpu_shares: shares }, args: [`--cpu-shares=${shares}`] }, note };
  },
  AllowedCPUs: (value) => word({ cpuset: value }, `--cpuset-cpus=${value}`),
  AllowedMemoryNodes: (value) => word({}, `--cpuset-mems=${value}`),
  IOWeight: (value) => {
    const weight = blkioOfIoWeight(Number(value));
    const made = ioWeightOfBlkio(weight);
    const note =
      `blkio weight ${weight} is io.weight ${made} (runc, crun); on a disk with the BFQ scheduler the ` +
      'number is taken as it is, and only the order of containers among themselves is kept';
    const compose = { blkio_config: { weight } };
    return { say: { compose, args: [`--blkio-weight=${weight}`] }, note };
  },
  IODeviceWeight: (value) => {
    const [path = '', amount = ''] = value.split(' ');
    const weight = blkioOfIoWeight(Number(amount));
    return onDevice(path, {
      compose: { blkio_config: { weight_device: [{ path, weight }] } },
      args: [`--blkio-weight-device=${path}:${weight}`],
    });
  },
  IOReadBandwidthMax: deviceRate('device_read_bps', '--device-read-bps'),
  IOWriteBandwidthMax: deviceRate('device_write_bps', '--device-write-bps'),
  IOReadIOPSMax: deviceRate('device_read_iops', '--device-read-iops'),
  IOWriteIOPSMax: deviceRate('device_write_iops', '--device-write-iops'),
  TasksMax: (value) => {
    const limit = value === 'infinity' ? -1 : Number(value);
    return word({ pids_limit: limit }, `--pids-limit=${limit}`);
  },
  OOMPolicy: oomPolicy('Docker'),
  RuntimeMaxSec: never('Docker ends no container by time'),
  ...withoutFilter('a container is cut off by its network (--network none), not by addresses'),
  ...withoutOomd('looks at units, and containers are made without them'),
};

/** Podman takes cgroup v2 files by their names (podman-run(1), --cgroup-conf). */
export const PODMAN: Dictionary<ContainerWord> = {
  ...DOCKER,
  MemoryMin: cgroupFile('memory.min'),
  MemoryHigh: cgroupFile('memory.high'),
  MemoryZSwapMax: cgroupFile('memory.zswap.max'),
  OOMPolicy: (value, find) =>
    value === 'kill'
      ? word({}, '--cgroup-conf=memory.oom.group=1')
      : oomPolicy('Podman')(value, find),
  RuntimeMaxSec: (value) => {
    const span = parseSpan(value);
    if (span === 'infinity') return { already: NO_LIMIT };
    return word({}, `--timeout=${Math.max(1, Math.round(span / 1_000_000))}`);
  },
};

/** Compose has fewer keys than `docker run` has options (the Compose Specification, Services). */
export const COMPOSE: Dictionary<ContainerWord> = {
  ...DOCKER,
  AllowedMemoryNodes: never('Compose has no cpuset of memory nodes (docker run has --cpuset-mems)'),
};

/**
 * What is said of swap where a profile does not: Docker would allow as much swap as memory, and
 * systemd allows all there is.
 */
export function swapByDefault(find: (name: PropertyName) => string | undefined): ContainerWord[] {
  const isMeant = bytesOf(find('MemoryMax') ?? 'infinity') !== undefined;
  if (!isMeant || find('MemorySwapMax') !== undefined) return [];
  return [{ compose: { memswap_limit: -1 }, args: ['--memory-swap=-1'] }];
}

/** Docker's figure is memory and swap together. */
function swap(
  value: string,
  find: (name: PropertyName) => string | undefined,
): Told<ContainerWord> {
  const own = bytesOf(value);
  const memory = bytesOf(find('MemoryMax') ?? 'infinity');
  if (own === undefined && memory === undefined) return { already: NO_LIMIT };
  if (memory === undefined) return { cannot: 'Docker limits swap only together with memory' };
  const both = own === undefined ? -1 : size(memory + own);
  const told = { compose: { memswap_limit: both }, args: [`--memory-swap=${both}`] };
  return { say: told, note: 'memswap_limit is memory and swap together' };
}

function quotaAndPeriod(quota: string, period: string): Told<ContainerWord> {
  const length = parseSpan(period);
  // cpu.max takes periods from 1 ms to 1 s, and systemd keeps to them.
  const usec = Math.min(Math.max(length === 'infinity' ? 100_000 : length, 1000), 1_000_000);
  const share = Number(quota.slice(0, -1)) / 100;
  const compose = { cpu_period: usec, cpu_quota: Math.max(1000, Math.floor(usec * share)) };
  return word(compose, `--cpu-period=${usec}`, `--cpu-quota=${compose.cpu_quota}`);
}

function deviceRate(key: string, option: string): Teller<ContainerWord> {
  return (value) => {
    const [path = '', amount = ''] = value.split(' ');
    const rate = parseRate(amount);
    if (rate === 'infinity') return { already: NO_LIMIT };
    return onDevice(path, {
      compose: { blkio_config: { [key]: [{ path, rate }] } },
      args: [`${option}=${path}:${rate}`],
    });
  };
}

/** systemd takes any file and finds its device; engines want the device itself. */
function onDevice(path: string, say: ContainerWord): Told<ContainerWord> {
  if (path.startsWith('/dev/') && !path.includes(':')) return { say };
  return { cannot: `${path} is no device: name the one it lies on (findmnt --target ${path})` };
}

function oomPolicy(engine: string): Teller<ContainerWord> {
  return (value) =>
    value === 'continue'
      ? { already: `in ${engine} too the kernel kills one process, and the others go on` }
      : { cannot: `${engine} leaves the rest of a container alone when one process is killed` };
}

function cgroupFile(file: string): Teller<ContainerWord> {
  return (value) => {
    const bytes = bytesOf(value);
    if (bytes === undefined) return { already: NO_LIMIT };
    return word({}, `--cgroup-conf=${file}=${bytes}`);
  };
}
