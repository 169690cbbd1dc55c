/** One unit from the files of its cgroup, kept open from sample to sample. */
import { CGROUP_ROOT } from '../cgroup/index.js';
import type { Amount, StallShare, UnitSample } from '../model/index.js';
import { present } from '../watch/present.js';
import { amountOf, coresOf, countOf, figureOf, stallShareOf } from './figures.js';
import { type Descriptors, KeptFile } from './kept-file.js';

/** What the kernel holds of a cgroup that is looked at for the first time. */
type Limits = UnitSample['limits'];

interface CpuStat {
  usec?: number;
  periods?: number;
  throttled?: number;
  throttledUsec?: number;
}

/** Reads a unit's use, limits, pressure and events. */
export class UnitFiles {
  readonly #controllers: KeptFile<string>;
  readonly #use: Record<'memory' | 'swap' | 'tasks' | 'anon', KeptFile<number>>;
  readonly #amounts: Record<'memoryMax' | 'memoryHigh' | 'swapMax' | 'tasksMax', KeptFile<Amount>>;
  readonly #cores: KeptFile<Amount>;
  readonly #cpu: KeptFile<CpuStat>;
  readonly #events: KeptFile<Pick<UnitSample['events'], 'high' | 'max' | 'oomKill'>>;
  readonly #pressure: Record<'memory' | 'cpu' | 'io', KeptFile<StallShare>>;
  readonly #freeze: KeptFile<number>;
  #before: number | undefined;

  constructor(cgroup: string, { root = CGROUP_ROOT, descriptors }: UnitFilesOptions) {
    const file = <T>(name: string, parse: (text: string) => T | undefined) =>
      new KeptFile(`${root}${cgroup}/${name}`, parse, descriptors);
    this.#controllers = file('cgroup.controllers', (text) => text);
    this.#use = {
      memory: file('memory.current', countOf),
      swap: file('memory.swap.current', countOf),
      tasks: file('pids.current', countOf),
      anon: file('memory.stat', (text) => figureOf(text, 'anon')),
    };
    this.#amounts = {
      memoryMax: file('memory.max', amountOf),
      memoryHigh: file('memory.high', amountOf),
      swapMax: file('memory.swap.max', amountOf),
      tasksMax: file('pids.max', amountOf),
    };
    this.#cores = file('cpu.max', coresOf);
    this.#cpu = file('cpu.stat', cpuStatIn);
    this.#events = file('memory.events', eventsIn);
    this.#pressure = {
      memory: file('memory.pressure', stallShareOf),
      cpu: file('cpu.pressure', stallShareOf),
      io: file('io.pressure', stallShareOf),
    };
    this.#freeze = file('cgroup.freeze', countOf);
  }

  /**
   * Absent when the cgroup is gone.
   * @param seconds since the reading before
   */
  read(
    seconds: number | undefined,
  ): Pick<UnitSample, 'use' | 'limits' | 'pressure' | 'events' | 'frozen'> | undefined {
    if (this.#controllers.read() === undefined) return undefined;
    const cpu = this.#cpu.read();
    const { memory, swap, tasks, anon } = this.#use;
    const { periods, throttled, throttledUsec } = cpu ?? {};
    return {
      use: present({
        memory: memory.read(),
        anon: anon.read(),
        swap: swap.read(),
        cpuUsec: cpu?.usec,
        cores: this.#coresUsed(cpu?.usec, seconds),
        tasks: tasks.read(),
      }),
      limits: this.limits(),
      pressure: present({
        memory: this.#pressure.memory.read(),
        cpu: this.#pressure.cpu.read(),
        io: this.#pressure.io.read(),
      }),
      events: { ...this.#events.read(), ...present({ periods, throttled, throttledUsec }) },
      ...(this.#freeze.read() === 1 ? { frozen: true } : {}),
    };
  }

  limits(): Limits {
    const { memoryMax, memoryHigh, swapMax, tasksMax } = this.#amounts;
    return present({
      memoryMax: memoryMax.read(),
      memoryHigh: memoryHigh.read(),
      swapMax: swapMax.read(),
      tasksMax: tasksMax.read(),
      cores: this.#cores.read(),
    });
  }

  close(): void {
    const files: KeptFile<unknown>[] = [
      this.#controllers,
      this.#cores,
      this.#cpu,
      this.#events,
      this.#freeze,
    ];
    const groups = [this.#use, this.#amounts, this.#pressure];
    for (const file of [...files, ...groups.flatMap((group) => Object.values(group))]) file.close();
  }

  /** A counter that went backwards is that of another cgroup of the same name. */
  #coresUsed(usec: number | undefined, seconds: number | undefined): number | undefined {
    const before = this.#before;
    this.#before = usec;
    if (usec === undefined || before === undefined || usec < before) return undefined;
    return seconds === undefined ? undefined : (usec - before) / 1e6 / seconds;
  }
}

interface UnitFilesOptions {
  root?: string;
  descriptors: Descriptors;
}

function cpuStatIn(text: string): CpuStat {
  return present({
    usec: figureOf(text, 'usage_usec'),
    periods: figureOf(text, 'nr_periods'),
    throttled: figureOf(text, 'nr_throttled'),
    throttledUsec: figureOf(text, 'throttled_usec'),
  });
}

function eventsIn(text: string): Pick<UnitSample['events'], 'high' | 'max' | 'oomKill'> {
  return present({
    high: figureOf(text, 'high'),
    max: figureOf(text, 'max'),
    oomKill: figureOf(text, 'oom_kill'),
  });
}
