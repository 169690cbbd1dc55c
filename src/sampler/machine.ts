/** The machine as a whole: memory, processors, pressure, what the kernel has killed. */
import { UnavailableError } from '../errors/index.js';
import type { MachineCpu, MachineMemory, MachinePressure, StallShare } from '../model/index.js';
import { present } from '../watch/present.js';
import { figureOf, stallShareOf } from './figures.js';
import { type Descriptors, KeptFile } from './kept-file.js';

/** The first line of /proc/stat, in clock ticks, and how many CPUs are below it. */
interface CpuTimes {
  cpus: number;
  all: number;
  idle: number;
}

export interface MachineLook {
  memory: MachineMemory;
  cpu?: MachineCpu;
  pressure: MachinePressure;
  oomKills?: number;
}

/** Reads /proc/meminfo, stat, loadavg, vmstat and pressure. */
export class MachineReader {
  readonly #meminfo: KeptFile<MachineMemory>;
  readonly #stat: KeptFile<CpuTimes>;
  readonly #load: KeptFile<number>;
  readonly #vmstat: KeptFile<number>;
  readonly #pressure: Record<'memory' | 'cpu' | 'io', KeptFile<StallShare>>;
  #before: CpuTimes | undefined;

  constructor(proc: string, descriptors: Descriptors) {
    const file = <T>(name: string, parse: (text: string) => T | undefined) =>
      new KeptFile(`${proc}/${name}`, parse, descriptors);
    this.#meminfo = file('meminfo', memoryIn);
    this.#stat = file('stat', cpuTimesIn);
    this.#load = file('loadavg', (text) => numberOf(/^(\d+\.\d+) /.exec(text)?.[1]));
    this.#vmstat = file('vmstat', (text) => figureOf(text, 'oom_kill'));
    const pressure = (name: string) => file(`pressure/${name}`, stallShareOf);
    this.#pressure = { memory: pressure('memory'), cpu: pressure('cpu'), io: pressure('io') };
  }

  /** @throws {UnavailableError} where /proc/meminfo cannot be read: nothing can be said then */
  read(): MachineLook {
    const memory = this.#meminfo.read();
    if (memory === undefined) {
      throw new UnavailableError('/proc/meminfo cannot be read, or does not tell MemTotal', {
        why: 'There is nothing to be said of a machine whose memory is not known.',
        remedy: 'mount -t proc proc /proc',
      });
    }
    const { memory: waiting, cpu, io } = this.#pressure;
    return {
      memory,
      pressure: present({ memory: waiting.read(), cpu: cpu.read(), io: io.read() }),
      ...present({ cpu: this.#cpu(), oomKills: this.#vmstat.read() }),
    };
  }

  close(): void {
    const files = [this.#meminfo, this.#stat, this.#load, this.#vmstat];
    for (const file of [...files, ...Object.values(this.#pressure)]) file.close();
  }

  #cpu(): MachineCpu | undefined {
    const now = this.#stat.read();
    if (now === undefined) return undefined;
    const busy = this.#before === undefined ? undefined : busyPart(this.#before, now);
    this.#before = now;
    return { cpus: now.cpus, ...present({ busy, load: this.#load.read() }) };
  }
}

/** Counters of a CPU that was taken away go with it: then there is no telling. */
function busyPart(before: CpuTimes, now: CpuTimes): number | undefined {
  const [all, idle] = [now.all - before.all, now.idle - before.idle];
  return all <= 0 || idle < 0 ? undefined : Math.min(1, Math.max(0, 1 - idle / all));
}

/** /proc/meminfo; a kernel without MemAvailable (before 3.14) has free memory for it. */
function memoryIn(text: string): MachineMemory | undefined {
  const bytes = (name: string) => {
    const kibibytes = figureOf(text, name);
    return kibibytes === undefined ? undefined : kibibytes * 1024;
  };
  const [total, free] = [bytes('MemTotal'), bytes('MemFree')];
  const available = bytes('MemAvailable') ?? free;
  if (total === undefined || available === undefined) return undefined;
  return {
    total,
    available,
    ...present({ free }),
    swapTotal: bytes('SwapTotal') ?? 0,
    swapFree: bytes('SwapFree') ?? 0,
  };
}

/**
 * `cpu  user nice system idle iowait irq softirq steal guest guest_nice` (proc_stat(5)). Guests count
 * in user and nice already.
 */
function cpuTimesIn(text: string): CpuTimes | undefined {
  const words = /^cpu +([\d ]+)$/m.exec(text)?.[1]?.trim().split(/ +/).map(Number);
  if (words === undefined || words.length < 4) return undefined;
  const all = words.slice(0, 8).reduce((sum, value) => sum + value, 0);
  const [, , , idle = 0, iowait = 0] = words;
  return { all, idle: idle + iowait, cpus: text.match(/^cpu\d+ /gm)?.length ?? 1 };
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
