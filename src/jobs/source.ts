import {
  CGROUP_ROOT,
  type Member,
  parsePids,
  readCgroupFile,
  readMember,
  readProcText,
  StatFile,
  subtree,
} from '../cgroup/index.js';

/** Where the processes of a run are found. */
export interface JobSource {
  /** The processes as they are now, in any order; those that have ended may be among them. */
  members(): readonly Member[];
  /** Anonymous memory of all of them in bytes; absent where it is not known. */
  anon(): number | undefined;
  /** Lets go of what is open. */
  close(): void;
}

/** As many files are kept open. */
const MOST_OPEN = 512;

/** The processes of a cgroup and of all below it. */
export class CgroupSource implements JobSource {
  readonly #cgroup: string;
  readonly #root: string;
  readonly #proc: string;
  #files = new Map<number, StatFile>();
  #tree: string[] = [];
  /** nr_descendants, as it was when the tree was listed. */
  #count: string | undefined;

  /** @param root where the cgroup v2 tree is */
  constructor(cgroup: string, { root = CGROUP_ROOT, proc = '/proc' } = {}) {
    this.#cgroup = cgroup;
    this.#root = root;
    this.#proc = proc;
  }

  members(): Member[] {
    const before = this.#files;
    this.#files = new Map();
    const members: Member[] = [];
    for (const pid of this.#pids()) {
      const member = this.#read(pid, before.get(pid));
      if (member !== undefined) members.push(member);
    }
    for (const [pid, file] of before) if (this.#files.get(pid) !== file) file.close();
    return members;
  }

  anon(): number | undefined {
    const stat = readProcText(`${this.#root}${this.#cgroup}/memory.stat`);
    const anon = /^anon (\d+)$/m.exec(stat)?.[1];
    return anon === undefined ? undefined : Number(anon);
  }

  close(): void {
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
  }

  /** The PID may be another process's by now: then the open file tells nothing. */
  #read(pid: number, known: StatFile | undefined): Member | undefined {
    const still = known?.read();
    if (known !== undefined && still !== undefined) {
      this.#files.set(pid, known);
      return still;
    }
    if (this.#files.size >= MOST_OPEN) return readMember(pid, this.#proc);
    const file = StatFile.open(pid, this.#proc);
    if (file !== undefined) this.#files.set(pid, file);
    return file?.read();
  }

  /** Those of other PID namespaces, which the kernel writes as 0, are left out. */
  #pids(): Set<number> {
    const pids = new Set<number>();
    for (const path of this.#cgroups()) {
      const content = readCgroupFile(path, 'cgroup.procs', this.#root);
      // Another one may have come instead, and the count would not tell.
      if (content === undefined) this.#count = undefined;
      else for (const pid of parsePids(content)) pids.add(pid);
    }
    pids.delete(0);
    return pids;
  }

  /** Listing the tree costs more than reading it, so it is done when the number of cgroups changed. */
  #cgroups(): string[] {
    const stat = readProcText(`${this.#root}${this.#cgroup}/cgroup.stat`);
    const count = /^nr_descendants (\d+)$/m.exec(stat)?.[1];
    if (count === undefined || count !== this.#count) {
      this.#tree = subtree(this.#cgroup, this.#root);
    }
    this.#count = count;
    return this.#tree;
  }
}
