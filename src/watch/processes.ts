import { CGROUP_ROOT, type Glance, glanceAt, memoryOf, processesIn } from '../cgroup/index.js';

/** One process of a watched unit. */
export interface ProcessLook {
  pid: number;
  /** With the PID it names one process for ever. */
  startTicks: number;
  /** As the process calls itself: any bytes but a zero. */
  comm: string;
  /** Resident memory in bytes. */
  memory?: number;
  /** Cores kept busy since the look before; absent at the first one. */
  cores?: number;
}

/** How many processes of a unit are told of. */
const MOST = 5;

/** The largest processes of one cgroup, look by look. */
export class ProcessWatch {
  readonly #cgroup: string;
  readonly #places: { root: string; proc: string };
  #before = new Map<string, Glance>();
  #beforeMs = 0;

  constructor(cgroup: string, { root = CGROUP_ROOT, proc = '/proc' } = {}) {
    this.#cgroup = cgroup;
    this.#places = { root, proc };
  }

  /** Reads one small file of each process, and one more of the largest. */
  look(atMs: number): ProcessLook[] {
    const { root, proc } = this.#places;
    const seen = processesIn(this.#cgroup, root).flatMap((pid) => glanceAt(pid, proc) ?? []);
    const seconds = (atMs - this.#beforeMs) / 1000;
    const looks = seen
      .sort((a, b) => b.residentPages - a.residentPages)
      .slice(0, MOST)
      .map((glance) => this.#lookOf(glance, seconds));
    this.#before = new Map(seen.map((glance) => [keyOf(glance), glance]));
    this.#beforeMs = atMs;
    return looks;
  }

  #lookOf(glance: Glance, seconds: number): ProcessLook {
    const { pid, startTicks, comm, cpuUsec } = glance;
    const before = this.#before.get(keyOf(glance));
    const memory = memoryOf(pid, this.#places.proc);
    return {
      pid,
      startTicks,
      comm,
      ...(memory === undefined ? {} : { memory }),
      ...(before === undefined || seconds <= 0
        ? {}
        : { cores: Math.round(Math.max(0, cpuUsec - before.cpuUsec) / 1e3 / seconds) / 1e3 }),
    };
  }
}

function keyOf({ pid, startTicks }: Glance): string {
  return `${pid} ${startTicks}`;
}
