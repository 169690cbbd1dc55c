/** What is read of the processes that matter besides their stat. */
import { readFileSync, readSync, statSync } from 'node:fs';
import { cgroupOf } from '../cgroup/index.js';
import { kibibytes } from '../machine/read.js';
import type { ProcessSample } from '../model/index.js';
import { present } from '../watch/present.js';
import { countOf } from './figures.js';
import { closeQuietly, openQuietly } from './kept-file.js';
import type { ProcessStat } from './stat.js';

/** What seldom changes is read anew every so many samples, not of all processes in the same one. */
const FACT_TURNS = 8;

/** What decides which details are worth their reading. */
export interface MachineFacts {
  hasSwap: boolean;
  /**
   * Whether memory is no trouble. A command line lies in the memory of its process: where that is
   * swapped out or being fought for, to read it is to wait.
   */
  isCalm: boolean;
}

interface Moment extends MachineFacts {
  /** It has neither run nor grown since the look before. */
  isAsleep: boolean;
  turn: number;
}

/** Shown as they are, but for `comm`, under which argv0 was read. */
export interface Details
  extends Pick<
    ProcessSample,
    'argv0' | 'uid' | 'cgroup' | 'anon' | 'swap' | 'oomScore' | 'oomScoreAdj'
  > {
  comm: string;
  /** When they were read, on the clock that rates are by. */
  atMs?: number;
}

export function shownOf({ comm: _, atMs: __, ...details }: Details): Partial<ProcessSample> {
  return details;
}

export class DetailReader {
  readonly #proc: string;
  readonly #pageSize: number;

  constructor(proc: string, pageSize: number) {
    this.#proc = proc;
    this.#pageSize = pageSize;
  }

  /** The same object as before where nothing was to be read. */
  read(stat: ProcessStat, before: Details | undefined, moment: Moment): Details {
    const { pid, comm } = stat;
    const isDue = before?.comm !== comm || (pid + moment.turn) % FACT_TURNS === 0;
    if (before !== undefined && moment.isAsleep && !isDue) return before;
    const memory = this.#memory(pid, moment.hasSwap);
    if (before !== undefined && !isDue) return { ...before, ...memory };
    const argv0 = before?.comm === comm ? before.argv0 : this.#argv0(stat, moment.isCalm);
    return { comm, ...present({ argv0 }), ...this.#facts(pid), ...memory };
  }

  /** Without swap one short file tells it all; /proc/PID/status takes the kernel five times as long. */
  #memory(pid: number, hasSwap: boolean): Pick<ProcessSample, 'anon' | 'swap'> {
    if (hasSwap) {
      const status = this.#text(pid, 'status') ?? '';
      return present({ anon: kibibytes(status, 'RssAnon'), swap: kibibytes(status, 'VmSwap') });
    }
    // `size resident shared …` in pages; shared is RssFile and RssShmem (proc_pid_statm(5)).
    const words = (this.#text(pid, 'statm') ?? '').split(' ');
    const [resident, shared] = [countOf(words[1] ?? ''), countOf(words[2] ?? '')];
    if (resident === undefined || shared === undefined) return {};
    return { anon: Math.max(0, resident - shared) * this.#pageSize };
  }

  #facts(pid: number): Pick<ProcessSample, 'uid' | 'cgroup' | 'oomScore' | 'oomScoreAdj'> {
    const adjusted = /^-?\d+/.exec(this.#text(pid, 'oom_score_adj') ?? '')?.[0];
    return present({
      uid: this.#uid(pid),
      cgroup: this.#cgroup(pid),
      oomScore: countOf(this.#text(pid, 'oom_score') ?? ''),
      oomScoreAdj: adjusted === undefined ? undefined : Number(adjusted),
    });
  }

  /** The effective user: its directory belongs to that one, even if it may not be dumped. */
  #uid(pid: number): number | undefined {
    try {
      return statSync(`${this.#proc}/${pid}`).uid;
    } catch {
      return undefined;
    }
  }

  #cgroup(pid: number): string | undefined {
    try {
      return cgroupOf(pid, this.#proc);
    } catch {
      // Not ours to see.
      return undefined;
    }
  }

  /** Base name of the first argument, where it is another than comm. */
  #argv0({ pid, comm }: ProcessStat, isCalm: boolean): string | undefined {
    if (!isCalm) return undefined;
    const file = openQuietly(`${this.#proc}/${pid}/cmdline`);
    if (file === undefined) return undefined;
    const length = readSome(file);
    closeQuietly(file);
    const [first = ''] = line.toString('utf8', 0, length).split('\0');
    // One that has set its title has it all in the first argument.
    const name = (first.split('/').at(-1) ?? '').slice(0, MOST_NAME);
    return name === '' || name === comm ? undefined : name;
  }

  #text(pid: number, file: string): string | undefined {
    try {
      return readFileSync(`${this.#proc}/${pid}/${file}`, 'latin1');
    } catch {
      return undefined;
    }
  }
}

const MOST_NAME = 64;

/** The beginning of a command line is enough: a name. */
const line = Buffer.alloc(512);

function readSome(file: number): number {
  try {
    return readSync(file, line, 0, line.length, 0);
  } catch {
    return 0;
  }
}
