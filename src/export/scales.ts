/** Weights and sizes between systemd's scales and those of others. Pure. */
import { parseBytes, parsePercent } from '../quantity/index.js';

/**
 * The io.weight that a container gets for its blkio weight, 10 to 1000. runc and crun compute it
 * alike: ConvertBlkIOToIOWeightValue in utils.go of opencontainers/cgroups, and the table "cgroup v2"
 * of crun(1). Where the BFQ scheduler has a file io.bfq.weight, both write the weight there as it is.
 */
export function ioWeightOfBlkio(weight: number): number {
  return 1 + Math.floor(((weight - 10) * 9999) / 990);
}

/** The blkio weight whose io.weight is nearest to a given one: 100 is 20, which becomes 102. */
export function blkioOfIoWeight(ioWeight: number): number {
  const near = Math.round(10 + ((ioWeight - 1) * 990) / 9999);
  const distance = (weight: number) => Math.abs(ioWeightOfBlkio(weight) - ioWeight);
  return [near - 1, near, near + 1]
    .filter((weight) => weight >= 10 && weight <= 1000)
    .reduce((best, weight) => (distance(weight) < distance(best) ? weight : best));
}

/**
 * The cpu.weight that a container gets for its CPU shares, 2 to 262144, from runc 1.3.2 and crun 1.23
 * on: 1024 is 100 (ConvertCPUSharesToCgroupV2Value in utils.go of opencontainers/cgroups). Earlier ones
 * map the two ranges onto each other in a straight line, and 1024 is 39.
 */
export function cpuWeightOfShares(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262_144) return 10_000;
  const log = Math.log2(shares);
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34));
}

/** The most shares that make no more than a given cpu.weight. */
export function sharesOfCpuWeight(weight: number): number {
  let [low, high] = [2, 262_144];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (cpuWeightOfShares(middle) <= weight) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** A size with the largest suffix of a list that says it exactly. */
export function sized(bytes: number, suffixes: readonly string[]): string {
  let value = bytes;
  let rank = 0;
  while (value !== 0 && value % 1024 === 0 && rank < suffixes.length - 1) {
    value /= 1024;
    rank += 1;
  }
  return `${value}${suffixes[rank]}`;
}

/** Bytes of a resolved size; undefined for infinity. */
export function bytesOf(value: string): number | undefined {
  const bytes = parseBytes(value);
  return bytes === 'infinity' ? undefined : bytes;
}

/** Thousandths of a core of a CPUQuota, rounded up: nobody takes less. */
export function milliCoresOf(quota: string): number {
  return Math.ceil(parsePercent(quota) / 10);
}
