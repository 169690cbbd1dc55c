/** Figures of a sample in words, and who uses most. Pure. */
import type {
  AlertProcess,
  GpuSample,
  MachineSample,
  ProcessSample,
  UnitSample,
} from '../model/index.js';
import { roughBytes } from '../quantity/index.js';

/** The largest process of a unit. */
export function topInside(unit: UnitSample, sample: MachineSample): { top?: AlertProcess } {
  return topBy(inside(unit, sample), memoryOf);
}

export function inside({ cgroup }: UnitSample, { processes }: MachineSample): ProcessSample[] {
  return processes.filter(
    (each) => each.cgroup === cgroup || each.cgroup?.startsWith(`${cgroup}/`),
  );
}

export function topOfGpu({ processes }: GpuSample): { top?: AlertProcess } {
  const [first] = processes.toSorted((a, b) => (b.memory ?? 0) - (a.memory ?? 0));
  if (first === undefined) return {};
  const { pid, name, memory } = first;
  return { top: { pid, comm: name, ...(memory === undefined ? {} : { bytes: memory }) } };
}

/** What a process keeps from others: what it has in memory and what of it is swapped out. */
export function memoryOf({ rss, swap = 0 }: ProcessSample): number {
  return rss + swap;
}

export function topBy(
  processes: readonly ProcessSample[],
  bytesOf: (process: ProcessSample) => number,
): { top?: AlertProcess } {
  const largest = mostOf(processes, bytesOf);
  return largest === undefined ? {} : { top: { ...named(largest), bytes: bytesOf(largest) } };
}

export function topByCores(processes: readonly ProcessSample[]): { top?: AlertProcess } {
  const busiest = mostOf(processes, ({ cores = 0 }) => cores);
  return busiest === undefined ? {} : { top: { ...named(busiest), cores: busiest.cores ?? 0 } };
}

function mostOf(
  processes: readonly ProcessSample[],
  amountOf: (process: ProcessSample) => number,
): ProcessSample | undefined {
  let most: ProcessSample | undefined;
  for (const process of processes) {
    const amount = amountOf(process);
    if (amount > 0 && (most === undefined || amount > amountOf(most))) most = process;
  }
  return most;
}

function named({ pid, comm }: ProcessSample): Pick<AlertProcess, 'pid' | 'comm'> {
  return { pid, comm };
}

export function memoryFact({ memory: { total, available } }: MachineSample): string {
  return `memory ${percent((total - available) / total)} used`;
}

export function swapFact({ memory: { swapTotal, swapFree } }: MachineSample): string {
  if (swapTotal === 0) return 'no swap';
  const used = swapTotal - swapFree;
  return `swap ${percent(used / swapTotal)} used (${roughBytes(used)} of ${roughBytes(swapTotal)})`;
}

export function pressureFacts({ pressure }: MachineSample): string[] {
  const full = pressure.memory?.full60;
  return full === undefined ? [] : [`memory pressure ${percent(full / 100)}`];
}

/** A part in percent, with a decimal where that tells something: 0.9 is `90%`, 0.8995 is `89.9%`. */
export function percent(value: number): string {
  return `${Math.floor(value * 1000 + 1e-6) / 10}%`;
}
