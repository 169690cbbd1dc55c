/**
 * One look at a cgroup, from its files alone. Light and synchronous: `run` may take samples of its
 * own scope with it.
 */
import { readFileSync } from 'node:fs';
import {
  CGROUP_ROOT,
  type KernelFiles,
  type Pressure,
  parseAmount,
  parseCpuMax,
  parseFlatKeyed,
  parsePressure,
  readCgroupFile,
  tolerantly,
  USAGE_FILES,
  usageOf,
} from '../cgroup/index.js';
import type { Amount, Usage } from '../model/index.js';
import { present } from './present.js';

/** What a cgroup uses and may use at one moment. A figure that is not to be had is absent. */
export interface Sample {
  /** Milliseconds on a clock that only goes forward. */
  atMs: number;
  usage: Usage;
  limits: SampledLimits;
  /** Page cache that the kernel can take back: active_file and inactive_file, in bytes. */
  pageCache?: number;
  /**
   * Bytes that can still be swapped out: the rest of memory.swap.max, or of the machine's swap where
   * that is less.
   */
  swapRoom?: Amount;
  events: {
    /** How often memory was over memory.high, and its programs were slowed down. */
    high?: number;
    /** How often memory was about to go over memory.max. */
    max?: number;
    oomKill?: number;
  };
  /** Periods of the CPU quota so far, and those in which it ran out; absent without a quota. */
  quota?: { periods: number; throttled: number };
  pressure: { memory?: Pressure; cpu?: Pressure; io?: Pressure };
  /** Part of the last seconds in which all tasks waited for memory, where `pressure` does not tell. */
  stalledPart?: number;
}

/** Limits as the kernel holds them: bytes, tasks, cores. */
export interface SampledLimits {
  memoryMax?: Amount;
  memoryHigh?: Amount;
  swapMax?: Amount;
  tasksMax?: Amount;
  cores?: Amount;
}

/** The files that `sampleOf` looks into. */
const SAMPLED_FILES: readonly string[] = [
  ...USAGE_FILES,
  'memory.max',
  'memory.high',
  'memory.swap.max',
  'pids.max',
  'cpu.max',
  'memory.pressure',
  'cpu.pressure',
  'io.pressure',
];

export interface SampleOptions {
  /** Free swap of the machine in bytes, as `readFreeSwap` gives it. */
  freeSwap?: number;
  root?: string;
}

/** Reads a sample; absent when the cgroup is gone. */
export function readSample(
  cgroup: string,
  atMs: number,
  { freeSwap, root = CGROUP_ROOT }: SampleOptions = {},
): Sample | undefined {
  if (readCgroupFile(cgroup, 'cgroup.events', root) === undefined) return undefined;
  const files: KernelFiles = {};
  for (const file of SAMPLED_FILES) {
    const content = readCgroupFile(cgroup, file, root);
    if (content !== undefined) files[file] = content;
  }
  return sampleOf(files, atMs, freeSwap);
}

/** SwapFree of /proc/meminfo in bytes; absent where it is not told. */
export function readFreeSwap(proc = '/proc'): number | undefined {
  const kibibytes = /^SwapFree:\s+(\d+) kB$/m.exec(readFileSync(`${proc}/meminfo`, 'utf8'))?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}

/** Makes a sample of a cgroup's files. A file that makes no sense counts as one that is not there. */
export function sampleOf(files: KernelFiles, atMs: number, freeSwap?: number): Sample {
  const usage = tolerantly(() => usageOf(files)) ?? {};
  const limits = limitsOf(files);
  const memory = keyed(files, 'memory.stat');
  const events = keyed(files, 'memory.events');
  const cpu = keyed(files, 'cpu.stat');
  const { nr_periods: periods, nr_throttled: throttled } = cpu;
  return {
    atMs,
    usage,
    limits,
    ...present({
      pageCache: sum(memory.active_file, memory.inactive_file),
      swapRoom: roomIn(limits.swapMax, usage.swapCurrent, freeSwap),
      quota: periods === undefined || throttled === undefined ? undefined : { periods, throttled },
    }),
    events: present({ high: events.high, max: events.max, oomKill: events.oom_kill }),
    pressure: present({
      memory: pressure(files, 'memory.pressure'),
      cpu: pressure(files, 'cpu.pressure'),
      io: pressure(files, 'io.pressure'),
    }),
  };
}

function limitsOf(files: KernelFiles): SampledLimits {
  return present({
    memoryMax: amount(files, 'memory.max'),
    memoryHigh: amount(files, 'memory.high'),
    swapMax: amount(files, 'memory.swap.max'),
    tasksMax: amount(files, 'pids.max'),
    cores: coresIn(files['cpu.max']),
  });
}

function coresIn(content: string | undefined): Amount | undefined {
  if (content === undefined) return undefined;
  const max = tolerantly(() => parseCpuMax(content));
  return max?.quota === 'infinity' ? 'infinity' : max && max.quota / max.period;
}

/** Without memory.swap.max (no swap accounting) only the machine's swap bounds it. */
function roomIn(max: Amount | undefined, current = 0, free?: number): Amount | undefined {
  const own = max === undefined || max === 'infinity' ? max : Math.max(0, max - current);
  if (free === undefined) return own;
  return own === undefined || own === 'infinity' ? free : Math.min(own, free);
}

function sum(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a + b;
}

function amount(files: KernelFiles, file: string): Amount | undefined {
  const content = files[file];
  return content === undefined ? undefined : tolerantly(() => parseAmount(content, file));
}

function keyed(files: KernelFiles, file: string): Record<string, number | undefined> {
  const content = files[file];
  return content === undefined ? {} : (tolerantly(() => parseFlatKeyed(content, file)) ?? {});
}

function pressure(files: KernelFiles, file: string): Pressure | undefined {
  const content = files[file];
  return content === undefined ? undefined : tolerantly(() => parsePressure(content, file));
}
