import { CGROUP_ROOT } from '../cgroup/index.js';
import { monotonicMs } from '../machine/clock.js';
import type { GpuSample, MachineSample } from '../model/index.js';
import { DiskReader, type StatFs } from './disks.js';
import { Descriptors } from './kept-file.js';
import { MachineReader } from './machine.js';
import { RecordReader } from './own-records.js';
import { ProcessReader } from './processes.js';
import { UnitReader } from './units.js';

export interface SamplerOptions {
  /** Where /proc is, and where the cgroup tree; other trees in tests. */
  proc?: string;
  cgroups?: string;
  /**
   * Of how many processes more is read than /proc/PID/stat (user, cgroup, anonymous memory, swap,
   * oom_score): the largest, and the busiest a quarter as many. 0 is none, Infinity all.
   */
  details?: number;
  /** Names of units that are wanted whether they have a limit or not. */
  units?: readonly string[];
  /** Which disks are looked at, and where `rlimit` keeps records. */
  env?: NodeJS.ProcessEnv;
  uid?: number;
  runtimes?: string;
  statfs?: StatFs;
  /** Milliseconds of a clock that nobody sets, and of the one on the wall. */
  clock?: () => number;
  wall?: () => number;
}

const DETAILS = 16;

/**
 * So many files are kept open, which is what makes a sample cheap: processes have a share, units have
 * one, and the machine. Node raises the limit of open files to the hard one (usually 524288).
 */
const MOST_OPEN = { machine: 16, processes: 1024, units: 512 } as const;

/** Above it somebody waits for memory: percent of the last ten seconds. */
const CALM = 5;

/**
 * Samples of the machine, one after the other. Reading is synchronous and from files alone, and
 * cheap enough for one sample a second in a daemon; what vanishes meanwhile is absent. Differences
 * are by a clock that nobody sets.
 */
export class Sampler {
  readonly #machine: MachineReader;
  readonly #disks: DiskReader;
  readonly #processes: ProcessReader;
  readonly #units: UnitReader;
  readonly #clock: () => number;
  readonly #wall: () => number;
  #beforeMs: number | undefined;

  constructor(options: SamplerOptions = {}) {
    const { proc = '/proc', cgroups = CGROUP_ROOT, details = DETAILS, units = [] } = options;
    const { env = process.env, uid = process.getuid?.() ?? 0, statfs, runtimes } = options;
    this.#clock = options.clock ?? monotonicMs;
    this.#wall = options.wall ?? Date.now;
    this.#machine = new MachineReader(proc, new Descriptors(MOST_OPEN.machine));
    this.#disks = new DiskReader(proc, statfs);
    const ofProcesses = new Descriptors(MOST_OPEN.processes);
    this.#processes = new ProcessReader({ proc, descriptors: ofProcesses, details });
    this.#units = new UnitReader({
      root: cgroups,
      proc,
      records: new RecordReader({ env, uid, ...(runtimes === undefined ? {} : { runtimes }) }),
      descriptors: new Descriptors(MOST_OPEN.units),
      names: units,
    });
  }

  /**
   * @param gpus what was last told of the GPUs: they are asked by a program, which takes its time
   * @throws {UnavailableError} where /proc/meminfo cannot be read
   */
  sample(gpus: readonly GpuSample[] = []): MachineSample {
    const atMs = this.#clock();
    const passed = this.#beforeMs === undefined ? 0 : (atMs - this.#beforeMs) / 1000;
    const seconds = passed > 0 ? passed : undefined;
    this.#beforeMs = atMs;
    const machine = this.#machine.read();
    const { memory, pressure } = machine;
    const facts = {
      hasSwap: memory.swapTotal > 0,
      isCalm: (pressure.memory?.some ?? 0) < CALM,
    };
    return {
      atMs,
      time: this.#wall(),
      ...machine,
      disks: this.#disks.read(atMs),
      gpus: [...gpus],
      units: this.#units.read(atMs, seconds),
      processes: this.#processes.read(seconds, facts),
    };
  }

  /** Limited units that are not in the sample since there are too many. */
  get unitsLeftOut(): number {
    return this.#units.leftOut;
  }

  /** Lets go of the files that are open. */
  close(): void {
    this.#machine.close();
    this.#processes.close();
    this.#units.close();
  }
}
