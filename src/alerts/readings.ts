/** What the thresholds are held against: each value of a sample, and the words for it. Pure. */
import type {
  AlertProcess,
  AlertSubject,
  GpuSample,
  MachineSample,
  UnitSample,
} from '../model/index.js';
import { roughBytes } from '../quantity/index.js';
import {
  inside,
  memoryFact,
  memoryOf,
  percent,
  pressureFacts,
  swapFact,
  topBy,
  topByCores,
  topOfGpu,
} from './figures.js';
import type { ThresholdId } from './settings.js';

/** A value at one moment, and how it is told. */
export interface Reading {
  subject: AlertSubject;
  /** Tells subjects of one rule apart, also those of the same name. */
  key: string;
  /** 0 to 1; absent where it is unknown. */
  value?: number;
  tell(): Told;
}

/** Put into words only when there is an alert. */
export interface Told {
  /** Without the threshold: `memory is 91% used (14.2G of 15.6G)`. */
  says: string;
  facts: string[];
  top?: AlertProcess;
}

/** Every value of each rule. A subject that is not in the sample has no reading. */
export const READINGS: Record<ThresholdId, (sample: MachineSample) => Reading[]> = {
  memory: (sample) => [memoryReading(sample)],
  cpu: (sample) => [cpuReading(sample)],
  swap: (sample) => (sample.memory.swapTotal > 0 ? [swapReading(sample)] : []),
  disk: ({ disks }) =>
    disks.map(({ mount, device, total, available }) => ({
      subject: { kind: 'disk', name: mount },
      key: mount,
      ...valued(part(total - available, total)),
      tell: () => ({
        says: `${mount} is ${percent((total - available) / total)} full (${roughBytes(available)} free)`,
        facts: [`${mount} is ${device}, ${roughBytes(total)}`],
      }),
    })),
  'unit-memory': (sample) => sample.units.filter(isNoService).flatMap((unit) => held(unit, sample)),
  'service-memory': (sample) =>
    sample.units.filter((unit) => !isNoService(unit)).flatMap((unit) => held(unit, sample)),
  pressure: (sample) => [pressureReading(sample)],
  'unit-pressure': (sample) => sample.units.map((unit) => unitPressure(unit, sample)),
  'gpu-memory': ({ gpus }) => gpus.map(gpuMemory),
  'gpu-utilisation': ({ gpus }) => gpus.map(gpuUtilisation),
};

const MACHINE: AlertSubject = { kind: 'machine', name: '' };

/** 1 − MemAvailable ÷ MemTotal. */
function memoryReading(sample: MachineSample): Reading {
  const { total, available } = sample.memory;
  return {
    subject: MACHINE,
    key: '',
    ...valued(part(total - available, total)),
    tell: () => ({
      says: `memory is ${percent((total - available) / total)} used (${roughBytes(available)} of ${roughBytes(total)} left)`,
      facts: [swapFact(sample), ...pressureFacts(sample)],
      ...topBy(sample.processes, memoryOf),
    }),
  };
}

function cpuReading(sample: MachineSample): Reading {
  const { busy, cpus = 0, load } = sample.cpu ?? {};
  return {
    subject: MACHINE,
    key: '',
    ...valued(busy),
    tell: () => ({
      says: `the CPUs are ${percent(busy ?? 0)} busy (${cpus} of them)`,
      facts: [...(load === undefined ? [] : [`load ${load.toFixed(1)}`]), swapFact(sample)],
      ...topByCores(sample.processes),
    }),
  };
}

function swapReading(sample: MachineSample): Reading {
  const { swapTotal, swapFree } = sample.memory;
  return {
    subject: MACHINE,
    key: '',
    ...valued(part(swapTotal - swapFree, swapTotal)),
    tell: () => ({
      says: `swap is ${percent((swapTotal - swapFree) / swapTotal)} used (${roughBytes(swapFree)} of ${roughBytes(swapTotal)} left)`,
      facts: [memoryFact(sample), ...pressureFacts(sample)],
      ...topBy(sample.processes, ({ swap = 0 }) => swap),
    }),
  };
}

/** `full avg60`: nobody got on, for so much of the last minute. */
function pressureReading(sample: MachineSample): Reading {
  const full = sample.pressure.memory?.full60;
  return {
    subject: MACHINE,
    key: '',
    ...valued(full === undefined ? undefined : full / 100),
    tell: () => ({
      says: `for ${percent((full ?? 0) / 100)} of the last minute everything waited for memory`,
      facts: [memoryFact(sample), swapFact(sample)],
      ...topBy(sample.processes, memoryOf),
    }),
  };
}

function isNoService({ unit }: UnitSample): boolean {
  return !unit.endsWith('.service');
}

/**
 * Memory of a unit that the kernel cannot just take back, against its MemoryMax: page cache fills every
 * limit in time and harms nobody.
 */
function held(unit: UnitSample, sample: MachineSample): Reading[] {
  const { memoryMax: max } = unit.limits;
  if (typeof max !== 'number' || max <= 0) return [];
  const { memory, anon, pageCache } = unit.use;
  const kept = memory === undefined || pageCache === undefined ? undefined : memory - pageCache;
  const used = kept ?? anon ?? memory;
  return [
    {
      ...ofUnit(unit),
      ...valued(used === undefined ? undefined : used / max),
      tell: () => ({
        says: `${unit.unit} uses ${percent((used ?? 0) / max)} of its MemoryMax (${roughBytes(used ?? 0)} of ${roughBytes(max)})`,
        facts: unitFacts(unit, sample),
        ...topBy(inside(unit, sample), memoryOf),
      }),
    },
  ];
}

function unitPressure(unit: UnitSample, sample: MachineSample): Reading {
  const full = unit.pressure.memory?.full60;
  return {
    ...ofUnit(unit),
    ...valued(full === undefined ? undefined : full / 100),
    tell: () => ({
      says: `${unit.unit} waited for memory for ${percent((full ?? 0) / 100)} of the last minute`,
      facts: unitFacts(unit, sample),
      ...topBy(inside(unit, sample), memoryOf),
    }),
  };
}

function gpuMemory(gpu: GpuSample): Reading {
  const { memoryUsed: used, memoryTotal: total } = gpu;
  return {
    ...ofGpu(gpu),
    ...valued(used === undefined || total === undefined ? undefined : part(used, total)),
    tell: () => ({
      says: `memory of GPU ${gpu.index} is ${percent((used ?? 0) / (total ?? 1))} used (${roughBytes(used ?? 0)} of ${roughBytes(total ?? 0)})`,
      facts: gpuFacts(gpu),
      ...topOfGpu(gpu),
    }),
  };
}

function gpuUtilisation(gpu: GpuSample): Reading {
  return {
    ...ofGpu(gpu),
    ...valued(gpu.utilisation),
    tell: () => ({
      says: `GPU ${gpu.index} is ${percent(gpu.utilisation ?? 0)} busy`,
      facts: gpuFacts(gpu),
      ...topOfGpu(gpu),
    }),
  };
}

/** The subject of a unit; its name may stand for several, of several managers. */
export function ofUnit({ unit, cgroup }: UnitSample): Pick<Reading, 'subject' | 'key'> {
  return { subject: { kind: 'unit', name: unit }, key: cgroup };
}

/** What helps to judge a unit. */
export function unitFacts({ use, limits, events, frozen }: UnitSample, sample: MachineSample) {
  const { memory, swap } = use;
  return [
    ...(memory === undefined ? [] : [`${roughBytes(memory)} with page cache`]),
    ...(swap === undefined || swap === 0 ? [] : [`${roughBytes(swap)} swapped out`]),
    ...(typeof limits.memoryHigh === 'number'
      ? [`MemoryHigh ${roughBytes(limits.memoryHigh)}`]
      : []),
    ...(events.oomKill ? [`${events.oomKill} killed in it so far`] : []),
    ...(frozen ? ['it is frozen'] : []),
    memoryFact(sample),
    swapFact(sample),
  ];
}

function ofGpu({ index, uuid, name }: GpuSample): Pick<Reading, 'subject' | 'key'> {
  return { subject: { kind: 'gpu', name: `${index} ${name}` }, key: uuid };
}

function gpuFacts({ utilisation, temperature }: GpuSample): string[] {
  return [
    ...(utilisation === undefined ? [] : [`${percent(utilisation)} busy`]),
    ...(temperature === undefined ? [] : [`${temperature} °C`]),
  ];
}

function part(amount: number, whole: number): number | undefined {
  return whole > 0 ? amount / whole : undefined;
}

function valued(value: number | undefined): { value?: number } {
  return value === undefined || !Number.isFinite(value) ? {} : { value };
}
