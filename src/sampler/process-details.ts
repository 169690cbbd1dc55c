/** What is read of the processes that matter besides their stat. */
import { readSync, statSync } from 'node:fs';
import { cgroupIn } from '../cgroup/index.js';
import { kibibytes } from '../machine/read.js';
import type { ProcessSample } from '../model/index.js';
import { countOf } from './figures.js';
import { closeQuietly, openQuietly, readText } from './kept-file.js';
import type { ProcessStat } from './stat.js';

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
  /** It has neither run nor grown since its memory was read. */
  isAsleep: boolean;
  withFacts: boolean;
  /** On the clock that rates are by. */
  atMs: number;
}

/** Shown as they are, but for `comm`, under which argv0 was read, and whether it was. */
export interface Details
  extends Pick<
    ProcessSample,
    'argv0' | 'uid' | 'cgroup' | 'anon' | 'swap' | 'oomScore' | 'oomScoreAdj'
  > {
  comm: string;
  isNamed: boolean;
  /** When its memory was read, or it was seen to sleep since, on the clock that rates are by. */
  atMs: number;
}

export class DetailReader {
  readonly #proc: string;
  readonly #pageSize: number;

  readonly #withScore: boolean;

  /** @param withScore whether oom_score is wanted: it tells people something, and decides nothing here */
  constructor(proc: string, pageSize: number, withScore: boolean) {
    this.#proc = proc;
    this.#pageSize = pageSize;
    this.#withScore = withScore;
  }

  /**
   * Reads its memory, unless it sleeps, and where `withFacts` or it is not known under this name, all
   * else as well.
   */
  read({ pid, comm }: ProcessStat, before: Details | undefined, moment: Moment): Details {
    const known = before?.comm === comm ? before : undefined;
    const isNamed = known?.isNamed === true || moment.isCalm;
    const details: Details = { comm, isNamed, atMs: moment.atMs };
    if (known !== undefined && !moment.withFacts) copyFacts(known, details);
    else this.#readFacts(pid, details);
    // One that was met while memory was short gets its name later.
    const isToAsk = isNamed && known?.isNamed !== true;
    const argv0 = isToAsk ? this.#argv0(pid, comm) : known?.argv0;
    if (argv0 !== undefined) details.argv0 = argv0;
    if (known !== undefined && moment.isAsleep) copyMemory(known, details);
    else this.#readMemory(pid, moment.hasSwap, details);
    return details;
  }

  /** Without swap one short file tells it all; /proc/PID/status takes the kernel five times as long. */
  #readMemory(pid: number, hasSwap: boolean, details: Details): void {
    if (hasSwap) {
      const status = readText(`${this.#proc}/${pid}/status`) ?? '';
      const [anon, swap] = [kibibytes(status, 'RssAnon'), kibibytes(status, 'VmSwap')];
      if (anon !== undefined) details.anon = anon;
      if (swap !== undefined) details.swap = swap;
      return;
    }
    // `size resident shared …` in pages; shared is RssFile and RssShmem (proc_pid_statm(5)).
    const words = (readText(`${this.#proc}/${pid}/statm`) ?? '').split(' ', 3);
    const [resident, shared] = [countOf(words[1] ?? ''), countOf(words[2] ?? '')];
    if (resident === undefined || shared === undefined) return;
    details.anon = Math.max(0, resident - shared) * this.#pageSize;
  }

  #readFacts(pid: number, details: Details): void {
    const place = `${this.#proc}/${pid}`;
    const uid = uidOf(place);
    if (uid !== undefined) details.uid = uid;
    // Where it cannot be read it is not ours to see.
    const cgroup = cgroupIn(readText(`${place}/cgroup`, 'utf8') ?? '');
    if (cgroup !== undefined) details.cgroup = cgroup;
    const score = this.#withScore ? countOf(readText(`${place}/oom_score`) ?? '') : undefined;
    if (score !== undefined) details.oomScore = score;
    const adjusted = /^-?\d+/.exec(readText(`${place}/oom_score_adj`) ?? '')?.[0];
    if (adjusted !== undefined) details.oomScoreAdj = Number(adjusted);
  }

  /** Base name of the first argument, where it is another than comm. */
  #argv0(pid: number, comm: string): string | undefined {
    const file = openQuietly(`${this.#proc}/${pid}/cmdline`);
    if (file === undefined) return undefined;
    const length = readSome(file);
    closeQuietly(file);
    const [first = ''] = line.toString('utf8', 0, length).split('\0');
    // One that has set its title has it all in the first argument.
    const name = (first.split('/').at(-1) ?? '').slice(0, MOST_NAME);
    return name === '' || name === comm ? undefined : name;
  }
}

function copyFacts(from: Details, to: Details): void {
  if (from.uid !== undefined) to.uid = from.uid;
  if (from.cgroup !== undefined) to.cgroup = from.cgroup;
  if (from.oomScore !== undefined) to.oomScore = from.oomScore;
  if (from.oomScoreAdj !== undefined) to.oomScoreAdj = from.oomScoreAdj;
}

function copyMemory(from: Details, to: Details): void {
  if (from.anon !== undefined) to.anon = from.anon;
  if (from.swap !== undefined) to.swap = from.swap;
}

/** Shows details in a sample of their process. */
export function show(
  { comm: _, isNamed: __, atMs: ___, ...details }: Details,
  sample: ProcessSample,
): void {
  Object.assign(sample, details);
}

/** The effective user: its directory belongs to that one, even if it may not be dumped. */
function uidOf(place: string): number | undefined {
  try {
    return statSync(place).uid;
  } catch {
    return undefined;
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
