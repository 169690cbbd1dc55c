import { type Census, type Entry, hasEnded, keyOf } from './census.js';

/** A descendant that is left where it is, and why. */
export interface LeftOutside {
  pid: number;
  comm: string;
  why: 'other-user' | 'limited-already';
}

/**
 * The processes to adopt with all their descendants, followed from one census to the next. It
 * decides by plain data only; what it cannot see in a census, it asks `admit`.
 */
export class Family {
  /** Keys of all members ever seen: a recycled PID is not one. */
  readonly #seen = new Set<string>();
  readonly #outside = new Map<string, LeftOutside>();
  /** PIDs of members that lead a process group or a session. */
  readonly #ledGroups = new Set<number>();
  readonly #ledSessions = new Set<number>();
  readonly #self: number;
  readonly #admit: (entry: Entry) => LeftOutside['why'] | undefined;

  /**
   * @param roots the processes that were named
   * @param self PID of rlimit, which with its children is never a member
   * @param admit why a descendant is to be left outside; asked once for each
   */
  constructor(
    roots: readonly Entry[],
    { self, admit }: { self: number; admit: (entry: Entry) => LeftOutside['why'] | undefined },
  ) {
    for (const root of roots) this.#seen.add(keyOf(root));
    this.#self = self;
    this.#admit = admit;
  }

  /** The members that are alive in a census, parents before their children. */
  in(census: Census): Entry[] {
    const children = childrenIn(census);
    const members = new Map<number, Entry>();
    const known = [...census.values()].filter((entry) => this.#seen.has(keyOf(entry)));
    this.#add(known, children, members);
    const orphans = [...census.values()].filter(
      (entry) => !members.has(entry.pid) && this.#isOrphan(entry, census),
    );
    this.#add(orphans, children, members);
    return [...members.values()].filter((entry) => !hasEnded(entry));
  }

  /** Whether a process was seen to be a member. */
  has(entry: Entry): boolean {
    return this.#seen.has(keyOf(entry));
  }

  /** Descendants that were left outside. */
  get outside(): LeftOutside[] {
    return [...this.#outside.values()];
  }

  #add(
    from: readonly Entry[],
    children: ReadonlyMap<number, Entry[]>,
    members: Map<number, Entry>,
  ): void {
    const queue = [...from];
    for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) {
      if (members.has(entry.pid) || !this.#takes(entry)) continue;
      members.set(entry.pid, entry);
      queue.push(...(children.get(entry.pid) ?? []));
    }
  }

  #takes(entry: Entry): boolean {
    if (entry.pid === this.#self) return false;
    const key = keyOf(entry);
    if (this.#outside.has(key)) return false;
    if (!this.#seen.has(key)) {
      const why = hasEnded(entry) ? undefined : this.#admit(entry);
      if (why !== undefined) {
        this.#outside.set(key, { pid: entry.pid, comm: entry.comm, why });
        return false;
      }
      this.#seen.add(key);
    }
    if (entry.pgrp === entry.pid) this.#ledGroups.add(entry.pid);
    if (entry.session === entry.pid) this.#ledSessions.add(entry.pid);
    return true;
  }

  /**
   * A descendant whose parent has ended belongs to nobody by its parent (init, or a user manager).
   * It still is in the process group or the session that a member leads. Others in such a group
   * (the second command of a pipeline) have their parent, the shell, in the same session.
   */
  #isOrphan(entry: Entry, census: Census): boolean {
    if (!this.#ledGroups.has(entry.pgrp) && !this.#ledSessions.has(entry.session)) return false;
    if (entry.pid === entry.session) return false;
    const parent = census.get(entry.ppid);
    return parent === undefined || parent.session !== entry.session;
  }
}

function childrenIn(census: Census): ReadonlyMap<number, Entry[]> {
  const children = new Map<number, Entry[]>();
  for (const entry of census.values()) {
    const siblings = children.get(entry.ppid);
    if (siblings) siblings.push(entry);
    else children.set(entry.ppid, [entry]);
  }
  return children;
}

/**
 * Whether a shell at a terminal watches over a process as one of its jobs. If it is stopped, even
 * for a moment, the shell says `Stopped` and puts it into the background.
 */
export function isShellJob(entry: Entry, census: Census): boolean {
  const parent = census.get(entry.ppid);
  if (parent === undefined || entry.tty === 0) return false;
  return parent.session === entry.session && parent.pgrp !== entry.pgrp;
}

/** The processes above one, nearest first. */
export function ancestorsOf(pid: number, census: Census): number[] {
  const above: number[] = [];
  let entry = census.get(pid);
  while (entry !== undefined && entry.ppid > 0 && !above.includes(entry.ppid)) {
    above.push(entry.ppid);
    entry = census.get(entry.ppid);
  }
  return above;
}
