import {
  ancestorsOf,
  CGROUP_ROOT,
  isGone,
  parseAmount,
  parseFlatKeyed,
  parsePressure,
  processesIn,
  readCgroupFile,
  type Stall,
} from '../cgroup/index.js';
import { readMemory } from '../machine/read.js';
import type { Amount, Figures } from '../model/index.js';
import type { Culprit, Measured } from '../verdict/index.js';
import type { Meter, RunProcesses } from './launcher.js';
import { type Looked, lookAt } from './look.js';

export interface CgroupMeterOptions {
  /** The cgroup made for this run alone, which is there until it is cleared: figures outlive the end. */
  top: string;
  /** The cgroup with the processes and the limits; it may be gone at the end. */
  leaf: string;
  /** The cgroup with the CPU quota, where it is not `leaf`. */
  quota?: string;
  /** memory.max of the run in bytes; near it the processes are looked at more often. */
  memoryMax?: Amount;
  root?: string;
  /** Directory that holds `proc`; another tree in tests. */
  system?: string;
}

/**
 * Measures a run from the kernel's own counts. Peaks and sums are read once, at the end, from the
 * cgroup that outlives the command; what the kernel keeps no peak of (anonymous memory), and what
 * goes with the inner cgroup (throttling, refused forks), is looked at in passing.
 */
export class CgroupMeter implements Meter {
  isTight = false;
  readonly #options: Required<CgroupMeterOptions>;
  readonly #zeroCpuUsec: number;
  readonly #zeroOoms: Map<string, number>;
  #anonPeak: number | undefined;
  #memoryPeak: number | undefined;
  #swapPeak: number | undefined;
  #leafCpu: Record<string, number> = {};
  #forksRefused: number | undefined;
  #machine: Measured['machine'] = {};
  /** Bytes that there were for this run at the last look: what it had, and what was available. */
  #room: number | undefined;
  /** Percent of the last ten seconds for which all tasks waited for memory, at the last look. */
  #pressurePercent: number | undefined;
  #oomKills = 0;
  #last: Looked | undefined;
  #victim: Culprit | undefined;
  #looks = 0;

  constructor(options: CgroupMeterOptions) {
    this.#options = {
      root: CGROUP_ROOT,
      system: '/',
      memoryMax: 'infinity',
      quota: options.leaf,
      ...options,
    };
    this.#zeroCpuUsec = this.#keyed(options.top, 'cpu.stat').usage_usec ?? 0;
    this.#zeroOoms = new Map(
      ancestorsOf(options.top).map((cgroup) => [cgroup, this.#ownOoms(cgroup)]),
    );
  }

  get processes(): RunProcesses {
    return { cgroup: this.#options.top };
  }

  sample(): void {
    const { top, leaf, system } = this.#options;
    this.#looks += 1;
    const stat = this.#read(top, 'memory.stat');
    const anon = Number(/^anon (\d+)$/m.exec(stat ?? '')?.[1]);
    if (anon >= 0) this.#anonPeak = Math.max(this.#anonPeak ?? 0, anon);
    const current = this.#count(top, 'memory.current') ?? 0;
    if (current > 0) this.#memoryPeak = Math.max(this.#memoryPeak ?? 0, current);
    const swap = this.#count(top, 'memory.swap.current');
    if (swap !== undefined) this.#swapPeak = Math.max(this.#swapPeak ?? 0, swap);
    this.#sampleLeaf(leaf);
    this.#pressurePercent = this.#stall(top, 'memory.pressure')?.avg10;
    const { available, memory: total, swapFree, swap: swapTotal } = readMemory(system);
    this.#machine = {
      total,
      swapTotal,
      ...least('available', this.#machine.available, available),
      ...least('swapFree', this.#machine.swapFree, swapFree),
    };
    if (available !== undefined) this.#room = available + current;
    this.#findVictim();
    this.isTight = this.#isNearEnd(anon, available, total);
    if (this.isTight || this.#looks % 8 === 1) {
      this.#last = lookAt(processesIn(top, this.#options.root), `${system}proc`);
    }
  }

  final(): Measured {
    const { top, leaf } = this.#options;
    this.#sampleLeaf(leaf);
    const memory = this.#findVictim();
    const largest = this.#last?.largest;
    const pressure = this.#stall(top, 'memory.pressure');
    const figures = this.#figures(memory.oom_kill, pressure);
    return {
      figures,
      events: {
        high: memory.high ?? 0,
        max: memory.max ?? 0,
        oom: memory.oom ?? 0,
        oom_kill: memory.oom_kill ?? 0,
      },
      ancestors: this.#oomsAbove(),
      ...(this.#victim === undefined ? {} : { victim: this.#victim }),
      ...(largest === undefined ? {} : { largest }),
      machine: { ...this.#machine, ...this.#leastAvailable(figures) },
      // After the end it falls, by half in seven seconds.
      ...(pressure === undefined
        ? {}
        : { pressurePercent: Math.max(pressure.avg10, this.#pressurePercent ?? 0) }),
    };
  }

  /**
   * What grew fast was further on at its end than when it was looked at; the kernel kept how far.
   */
  #leastAvailable({ memoryPeak = 0 }: Figures): Measured['machine'] {
    const atPeak = this.#room === undefined ? undefined : Math.max(0, this.#room - memoryPeak);
    return least('available', this.#machine.available, atPeak);
  }

  #figures(oomKills: number | undefined, pressure: Stall | undefined): Figures {
    const { top } = this.#options;
    const cpu = this.#keyed(top, 'cpu.stat');
    const periods = this.#leafCpu.nr_periods ?? 0;
    const stall = (file: string) => this.#stall(top, file)?.total;
    const fields: { [Key in keyof Figures]: Figures[Key] | undefined } = {
      memoryPeak: this.#count(top, 'memory.peak') ?? this.#memoryPeak,
      anonPeak: this.#anonPeak,
      swapPeak: this.#count(top, 'memory.swap.peak') ?? this.#swapPeak,
      cpuUsec:
        cpu.usage_usec === undefined ? undefined : Math.max(0, cpu.usage_usec - this.#zeroCpuUsec),
      throttledUsec: this.#leafCpu.throttled_usec,
      throttledPart: periods > 0 ? (this.#leafCpu.nr_throttled ?? 0) / periods : undefined,
      tasksPeak: this.#count(top, 'pids.peak'),
      oomKills,
      forksRefused: this.#forksRefused,
      memoryStallUsec: pressure?.total,
      cpuStallUsec: stall('cpu.pressure'),
      ioStallUsec: stall('io.pressure'),
    };
    return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  }

  /** Throttling counts where the quota is; a fork that is refused, where the process is. */
  #sampleLeaf(leaf: string): void {
    const cpu = this.#keyed(this.#options.quota, 'cpu.stat');
    if (cpu.nr_periods !== undefined) this.#leafCpu = cpu;
    // Before Linux 6.11 pids.events is not hierarchical.
    const refused = this.#keyed(leaf, 'pids.events').max;
    if (refused !== undefined) this.#forksRefused = refused;
  }

  /** Page cache does not count: it can be dropped, and many a build lives at its limit with it. */
  #isNearEnd(anon: number, available: number | undefined, total: number): boolean {
    const { memoryMax } = this.#options;
    const nearLimit = typeof memoryMax === 'number' && anon > memoryMax * 0.7;
    return nearLimit || (available !== undefined && available < total * 0.25);
  }

  /**
   * The largest of those last seen that is gone since the kernel counted one more kill.
   * @returns memory.events as they are now
   */
  #findVictim(): Record<string, number> {
    const { top, system } = this.#options;
    const events = this.#keyed(top, 'memory.events');
    const kills = events.oom_kill ?? 0;
    if (kills > this.#oomKills) {
      const victim = this.#last?.goneLargest(`${system}proc`);
      if (victim !== undefined) this.#victim = victim;
    }
    this.#oomKills = kills;
    return events;
  }

  #oomsAbove(): Measured['ancestors'] {
    return [...this.#zeroOoms].flatMap(([cgroup, before]) => {
      if (this.#ownOoms(cgroup) <= before) return [];
      const max = this.#read(cgroup, 'memory.max');
      return [
        { cgroup, memoryMax: max === undefined ? 'infinity' : parseAmount(max, 'memory.max') },
      ];
    });
  }

  #ownOoms(cgroup: string): number {
    return this.#keyed(cgroup, 'memory.events.local').oom ?? 0;
  }

  #stall(cgroup: string, file: string): Stall | undefined {
    const content = this.#read(cgroup, file);
    return content === undefined ? undefined : parsePressure(content, file).full;
  }

  #count(cgroup: string, file: string): number | undefined {
    const content = this.#read(cgroup, file);
    return content === undefined || !/^\d+$/.test(content) ? undefined : Number(content);
  }

  #keyed(cgroup: string, file: string): Record<string, number> {
    const content = this.#read(cgroup, file);
    return content === undefined ? {} : parseFlatKeyed(content, file);
  }

  #read(cgroup: string, file: string): string | undefined {
    try {
      return readCgroupFile(cgroup, file, this.#options.root);
    } catch (error) {
      // Not ours to read, or it goes away at this moment: a figure less.
      if (isGone(error) || (error as NodeJS.ErrnoException).code === 'EACCES') return undefined;
      throw error;
    }
  }
}

/** The smaller of a figure so far and a new one, under its name; nothing where there is neither. */
function least<K extends string>(
  name: K,
  soFar: number | undefined,
  now: number | undefined,
): { [P in K]?: number } {
  const value = Math.min(soFar ?? Number.POSITIVE_INFINITY, now ?? Number.POSITIVE_INFINITY);
  return (Number.isFinite(value) ? { [name]: value } : {}) as { [P in K]?: number };
}
