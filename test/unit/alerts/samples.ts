import type { MachineSample, ProcessSample, UnitSample } from '../../../src/model/index.js';

export const GiB = 1024 ** 3;
export const MiB = 1024 ** 2;

/** The wall clock at 0 of the samples' clock. */
export const EPOCH = Date.parse('2026-11-20T14:00:00Z');

export interface Parts extends Partial<Omit<MachineSample, 'memory' | 'units'>> {
  /** Part of the memory, and of the swap, that is used. */
  used?: number;
  swapUsed?: number;
  units?: UnitSample[];
}

/** A machine of 16 GiB with 4 GiB of swap where nothing is amiss, but for what is said. */
export function sampleAt(
  seconds: number,
  { used = 0.3, swapUsed = 0, ...parts }: Parts = {},
): MachineSample {
  return {
    atMs: seconds * 1000,
    time: EPOCH + seconds * 1000,
    memory: {
      total: 16 * GiB,
      available: 16 * GiB * (1 - used),
      swapTotal: 4 * GiB,
      swapFree: 4 * GiB * (1 - swapUsed),
    },
    cpu: { cpus: 8, busy: 0.1 },
    disks: [],
    pressure: {},
    gpus: [],
    units: [],
    processes: [],
    ...parts,
  };
}

export function process(
  comm: string,
  rss: number,
  parts: Partial<ProcessSample> = {},
): ProcessSample {
  return { pid: 100, startTicks: 1, ppid: 1, comm, rss, ...parts };
}

/** A unit with 1 GiB of MemoryMax, of which it uses a part. */
export function unit(name: string, used = 0.1, parts: Partial<UnitSample> = {}): UnitSample {
  return {
    unit: name,
    cgroup: `/app.slice/${name}`,
    ours: true,
    use: { memory: used * GiB, anon: used * GiB },
    limits: { memoryMax: GiB },
    pressure: {},
    events: {},
    ...parts,
  };
}
