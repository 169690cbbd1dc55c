import { readdirSync, readFileSync, statSync } from 'node:fs';
import { CGROUP_ROOT, readCgroupFile } from '../cgroup/index.js';
import type { Devices } from './meaning.js';

/**
 * Numbers of the block devices that IO properties name, as the kernel's files write them: a
 * partition stands for its disk, a file for the disk below its file system. What cannot be found
 * out is left out.
 */
export function devicesIn(
  properties: Readonly<Record<string, string>>,
  { sys = '/sys' } = {},
): Devices {
  const devices: Record<string, string> = {};
  for (const [name, text] of Object.entries(properties)) {
    const path = /^IO\w*(?:Weight|Max)$/.test(name) ? /^\s*(\/\S*)\s/.exec(text)?.[1] : undefined;
    const number = path === undefined ? undefined : deviceNumber(path, sys);
    if (path !== undefined && number !== undefined) devices[path] = number;
  }
  return devices;
}

/**
 * Whether any block device goes by io.weight: with the BFQ scheduler, or with io.cost enabled
 * (cgroup-v2 document of the kernel). Absent when nothing can be found out.
 */
export function ioWeightsCount({ root = CGROUP_ROOT, sys = '/sys' } = {}): boolean | undefined {
  const cost = readCgroupFile('/', 'io.cost.qos', root);
  if (cost !== undefined && /\benable=1\b/.test(cost)) return true;
  const schedulers = schedulersOf(sys);
  return schedulers?.some((scheduler) => scheduler.includes('[bfq]'));
}

function schedulersOf(sys: string): string[] | undefined {
  try {
    return readdirSync(`${sys}/block`).map((disk) => read(`${sys}/block/${disk}/queue/scheduler`));
  } catch {
    return undefined;
  }
}

function deviceNumber(path: string, sys: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return undefined;
  const device = stat.isBlockDevice() ? stat.rdev : stat.dev;
  const number = `${major(device)}:${minor(device)}`;
  // A partition's directory lies in its disk's; limits are on disks.
  const isPartition = read(`${sys}/dev/block/${number}/partition`) !== '';
  return isPartition ? read(`${sys}/dev/block/${number}/../dev`).trim() || number : number;
}

/** glibc's encoding of dev_t (gnu_dev_major(3)); a double holds it for all devices there are. */
function major(device: number): number {
  const wide = BigInt(device);
  return Number(((wide >> 8n) & 0xfffn) | ((wide >> 32n) & ~0xfffn));
}

function minor(device: number): number {
  const wide = BigInt(device);
  return Number((wide & 0xffn) | ((wide >> 12n) & ~0xffn));
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
