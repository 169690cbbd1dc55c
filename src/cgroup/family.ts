import { readdirSync, readFileSync } from 'node:fs';
import { type Member, readMember, StatFile } from './member.js';

/** Variable in the environment of every command of ours that names its unit. */
const MARK = 'RLIMIT_UNIT';

/** As many files are kept open: opening one costs more than reading it. */
const MOST_OPEN = 512;
/** From this many looks on those that are not ours are looked at again: PIDs come round. */
const LOOKS_TO_REFRESH = 64;
/** A process that is just being executed shows no environment for a moment. */
const MOST_DOUBTS = 3;

/**
 * The processes of one run without a cgroup to hold them: the command, its descendants, and those
 * whose parents ended before they were seen (daemons), which are told by RLIMIT_UNIT in their
 * environment. One that was seen once stays a member, wherever it is reparented to.
 *
 * What it cannot see: a process that lost its parent and its environment between two looks.
 */
export class Family {
  readonly #proc: string;
  readonly #marks: Buffer[];
  /** No process that is older than the command can be of the run. */
  #since = 0;
  readonly #ours = new Map<number, Known>();
  /** PIDs that are somebody else's, and how often that was in doubt. */
  #foreign = new Map<number, number>();
  #looks = 0;
  #gone: Member[] = [];

  /**
   * @param unit what RLIMIT_UNIT says in the environment of its processes, or one of these
   * @param root PID of the command; without it members are told by their environment alone
   */
  constructor({
    unit,
    root,
    proc = '/proc',
  }: {
    unit: string | readonly string[];
    root?: number;
    proc?: string;
  }) {
    this.#proc = proc;
    this.#marks = [unit].flat().map((each) => Buffer.from(`\0${MARK}=${each}\0`));
    if (root === undefined) return;
    const member = readMember(root, this.#proc);
    if (member === undefined) return;
    this.#since = member.startTicks;
    this.#adopt(member);
  }

  /** Those that are there now, ended ones that nobody has collected included. */
  look(): Member[] {
    this.#refresh();
    const unknown = this.#newcomers();
    // Children come after their parents, unless PIDs came round: a second pass finds those.
    for (let found = true; found; ) {
      found = false;
      for (const [pid, member] of unknown) {
        if (!this.#ours.has(member.ppid)) continue;
        this.#adopt(member);
        unknown.delete(pid);
        found = true;
      }
      if (!found) found = this.#adoptMarked(unknown);
    }
    return [...this.#ours.values()].map(({ last }) => last);
  }

  /** Those that have gone since the last call, as they were when last seen. */
  takeGone(): Member[] {
    const gone = this.#gone;
    this.#gone = [];
    return gone;
  }

  /** Whether the process of that PID is still the member it was; looks at once. */
  isStill({ pid, startTicks }: Pick<Member, 'pid' | 'startTicks'>): boolean {
    const now = readMember(pid, this.#proc);
    return now !== undefined && now.startTicks === startTicks && !'ZX'.includes(now.state);
  }

  /** Lets go of the files that are open. */
  close(): void {
    for (const known of this.#ours.values()) known.file?.close();
    this.#ours.clear();
  }

  #refresh(): void {
    for (const [pid, known] of this.#ours) {
      const now = known.file === undefined ? readMember(pid, this.#proc) : known.file.read();
      if (now !== undefined && now.startTicks === known.last.startTicks) {
        known.last = now;
        continue;
      }
      known.file?.close();
      this.#ours.delete(pid);
      this.#gone.push(known.last);
    }
  }

  #newcomers(): Map<number, Member> {
    this.#looks += 1;
    const foreign = new Map<number, number>();
    const unknown = new Map<number, Member>();
    const keep = this.#looks % LOOKS_TO_REFRESH !== 0;
    for (const name of readdirSync(this.#proc)) {
      const pid = Number(name);
      if (!(pid > 0) || this.#ours.has(pid)) continue;
      const doubts = keep ? this.#foreign.get(pid) : undefined;
      if (doubts !== undefined && (doubts === 0 || doubts >= MOST_DOUBTS)) {
        foreign.set(pid, doubts);
        continue;
      }
      if (doubts !== undefined) foreign.set(pid, doubts);
      const member = readMember(pid, this.#proc);
      if (member === undefined) continue;
      if (member.startTicks < this.#since) foreign.set(pid, 0);
      else unknown.set(pid, member);
    }
    this.#foreign = foreign;
    return unknown;
  }

  /** Whether any of these that have no parent among us are ours by their environment. */
  #adoptMarked(unknown: Map<number, Member>): boolean {
    let found = false;
    for (const [pid, member] of unknown) {
      const marked = this.#isMarked(pid);
      unknown.delete(pid);
      if (marked) {
        this.#adopt(member);
        found = true;
      } else {
        const doubts = this.#foreign.get(pid) ?? 0;
        this.#foreign.set(pid, marked === undefined ? doubts + 1 : 0);
      }
      // Its children among the others need no environment.
      if (found) return true;
    }
    return found;
  }

  /** Undefined where it shows no environment: a kernel thread, or one that is being executed. */
  #isMarked(pid: number): boolean | undefined {
    try {
      const environ = readFileSync(`${this.#proc}/${pid}/environ`);
      if (environ.length === 0) return undefined;
      return this.#marks.some(
        (mark) =>
          environ.includes(mark) || environ.subarray(0, mark.length - 1).equals(mark.subarray(1)),
      );
    } catch {
      return false;
    }
  }

  #adopt(member: Member): void {
    const file = this.#ours.size < MOST_OPEN ? StatFile.open(member.pid, this.#proc) : undefined;
    this.#foreign.delete(member.pid);
    this.#ours.set(member.pid, { last: member, file });
  }
}

interface Known {
  last: Member;
  /** Absent where too many are open. */
  file: StatFile | undefined;
}
