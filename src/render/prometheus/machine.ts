/** What the machine as a whole is exported as. */
import type {
  DiskSample,
  GpuSample,
  MachinePressure,
  MachineSample,
  ProcessSample,
  StallShare,
} from '../../model/index.js';
import { nameOf } from '../process-name.js';
import type { Labels, Metric, Point } from './format.js';

export function machineMetrics({ memory, cpu, pressure, oomKills }: MachineSample): Metric[] {
  return [
    gauge('memory_size_bytes', 'Memory of the machine (MemTotal).', memory.total),
    gauge(
      'memory_available_bytes',
      'Memory that programs can still have (MemAvailable).',
      memory.available,
    ),
    gauge('memory_free_bytes', 'Memory that nothing is in (MemFree).', memory.free),
    gauge('swap_size_bytes', 'Swap of the machine (SwapTotal); 0 without.', memory.swapTotal),
    gauge('swap_free_bytes', 'Swap that nothing is in (SwapFree).', memory.swapFree),
    gauge('cpus', 'Logical CPUs that are online.', cpu?.cpus),
    gauge(
      'cpu_busy_ratio',
      'Part of the time of all CPUs that was neither idle nor waiting for a disk, since the sample before.',
      cpu?.busy,
    ),
    gauge('load1', 'Load average of one minute.', cpu?.load),
    {
      name: 'pressure_ratio',
      type: 'gauge',
      help: 'Part of the time in which some tasks, or all at once (full), waited for a resource (PSI).',
      points: pressurePoints(pressure),
    },
    {
      name: 'oom_kills_total',
      type: 'counter',
      help: 'Processes that the kernel has killed for lack of memory since boot, at limits of units too (oom_kill of /proc/vmstat).',
      points: [{ value: oomKills }],
    },
  ];
}

export function diskMetrics(disks: readonly DiskSample[]): Metric[] {
  const points = (value: (disk: DiskSample) => number): Point[] =>
    disks.map((disk) => ({
      labels: { mount: disk.mount, device: disk.device },
      value: value(disk),
    }));
  return [
    {
      name: 'disk_size_bytes',
      type: 'gauge',
      help: 'Size of a file system on a disk.',
      points: points(({ total }) => total),
    },
    {
      name: 'disk_available_bytes',
      type: 'gauge',
      help: 'What users other than root can still write to it.',
      points: points(({ available }) => available),
    },
  ];
}

export function gpuMetrics(gpus: readonly GpuSample[], most: number): Metric[] {
  const points = (value: (gpu: GpuSample) => number | undefined): Point[] =>
    gpus.map((gpu) => ({ labels: { gpu: gpu.index }, value: value(gpu) }));
  const of = (
    name: string,
    help: string,
    value: (gpu: GpuSample) => number | undefined,
  ): Metric => ({
    name,
    type: 'gauge',
    help,
    points: points(value),
  });
  return [
    {
      name: 'gpu_info',
      type: 'gauge',
      help: 'A GPU, always 1; its name and driver are labels.',
      points: gpus.map(({ index, uuid, name, driver = '' }) => ({
        labels: { gpu: index, uuid, name, driver },
        value: 1,
      })),
    },
    of('gpu_memory_size_bytes', 'Memory of a GPU.', ({ memoryTotal }) => memoryTotal),
    of('gpu_memory_used_bytes', 'Memory of a GPU in use.', ({ memoryUsed }) => memoryUsed),
    of(
      'gpu_utilisation_ratio',
      'Part of the time in which a GPU worked.',
      ({ utilisation }) => utilisation,
    ),
    of('gpu_temperature_celsius', 'Temperature of a GPU.', ({ temperature }) => temperature),
    {
      name: 'gpu_process_memory_bytes',
      type: 'gauge',
      help: 'Memory of a GPU that a process has; the largest only.',
      points: gpus.flatMap(({ index, processes }) =>
        firstBy(processes, most, ({ memory = 0 }) => memory).map(({ pid, name, memory }) => ({
          labels: { gpu: index, pid, name },
          value: memory,
        })),
      ),
    },
  ];
}

export function processMetrics(processes: readonly ProcessSample[], most: number): Metric[] {
  const largest = firstBy(processes, most, ({ rss, swap = 0 }) => rss + swap);
  const of = (
    name: string,
    help: string,
    value: (process: ProcessSample) => number | undefined,
  ): Metric => ({
    name,
    type: 'gauge',
    help: `${help}; the largest processes only.`,
    points: largest.map((process) => ({
      labels: { pid: process.pid, name: nameOf(process) },
      value: value(process),
    })),
  });
  return [
    gauge(
      'processes',
      'Processes that there are, threads of the kernel left out.',
      processes.length,
    ),
    of('process_resident_memory_bytes', 'Memory that a process has in RAM', ({ rss }) => rss),
    of('process_swap_bytes', 'Memory of a process that is swapped out', ({ swap }) => swap),
    of(
      'process_cpu_cores',
      'Cores that a process kept busy since the sample before',
      ({ cores }) => cores,
    ),
  ];
}

/** Points of `resource`, `kind` and `window`, in parts of 1. */
export function pressurePoints(pressure: MachinePressure, labels: Labels = {}): Point[] {
  return (['memory', 'cpu', 'io'] as const).flatMap((resource) => {
    const share: Partial<StallShare> = pressure[resource] ?? {};
    const all: [string, string, number | undefined][] = [
      ['some', '10s', share.some],
      ['some', '60s', share.some60],
      ['full', '10s', share.full],
      ['full', '60s', share.full60],
    ];
    return all.map(([kind, window, percent]) => ({
      labels: { ...labels, resource, kind, window },
      value: percent === undefined ? undefined : percent / 100,
    }));
  });
}

/** One figure of the whole machine. */
export function gauge(name: string, help: string, value: number | undefined): Metric {
  return { name, type: 'gauge', help, points: [{ value }] };
}

function firstBy<T>(all: readonly T[], most: number, figure: (one: T) => number): T[] {
  return [...all].sort((a, b) => figure(b) - figure(a)).slice(0, most);
}
