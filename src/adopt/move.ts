/** Moves a family of processes into a scope, so that none is left behind. */
import { setTimeout as sleep } from 'node:timers/promises';
import { cgroupOf } from '../cgroup/index.js';
import { UnavailableError, UsageError } from '../errors/index.js';
import {
  attachArgv,
  type Call,
  callBus,
  startScopeArgv,
  type TransientScope,
} from '../systemd/bus.js';
import { type Census, type Entry, keyOf, readCensus, readEntry } from './census.js';
import type { Family } from './family.js';
import type { Freezer } from './freezer.js';

export interface MoveRequest {
  family: Family;
  scope: TransientScope;
  freezer: Freezer;
  /** Processes that are moved as they run: what rlimit depends on, and a shell's jobs. */
  isSpared(entry: Entry, census: Census): boolean;
  /** Told of every member at its first sight, while it still is where it was. */
  onSeen(entries: readonly Entry[]): void;
  proc?: string;
  /** Calls the service manager; another one in tests. */
  call?: (argv: readonly string[]) => Promise<Call>;
}

export interface Moved {
  /** Path of the scope's cgroup. */
  cgroup: string;
  /** Keys of those that were born while the others were moved, and were fetched after. */
  swept: string[];
  /** Members that are still outside. */
  escaped: Entry[];
  /** PIDs that were meant for members and belonged to others when they were moved. */
  strangers: number[];
}

/** How long processes may take to stop: one that waits for a disk stops when that answers. */
const STOP_MS = 1000;
/** How long the manager may take to make the scope. */
const START_MS = 10_000;
/** How long new outsiders are fetched. */
const SWEEP_MS = 10_000;
/** A process that ends between the look and the call makes the manager refuse it. */
const ATTEMPTS = 5;

/**
 * Stops the family, makes the scope of all of it, and fetches what was born outside meanwhile. The
 * caller ends the freezer.
 * @throws {UnavailableError} when there is no manager, or it does not make the scope
 * @throws {UsageError} when all have ended, or the unit's name is taken
 */
export async function moveFamily(request: MoveRequest): Promise<Moved> {
  const mover = new Mover(request);
  await mover.freeze();
  const listed = await mover.start();
  const cgroup = await mover.arrival(listed);
  const { swept, escaped } = await mover.sweep(cgroup, listed);
  return { cgroup, swept, escaped, strangers: mover.strangersAmong(listed, cgroup) };
}

class Mover {
  readonly #family: Family;
  readonly #scope: TransientScope;
  readonly #freezer: Freezer;
  readonly #request: MoveRequest;
  readonly #proc: string;
  readonly #call: (argv: readonly string[]) => Promise<Call>;
  readonly #seen = new Set<string>();

  constructor(request: MoveRequest) {
    const { family, scope, freezer, proc = '/proc', call = callBus } = request;
    this.#family = family;
    this.#scope = scope;
    this.#freezer = freezer;
    this.#request = request;
    this.#proc = proc;
    this.#call = call;
  }

  /** Stops all, until a look at standing processes shows no new one. */
  async freeze(): Promise<void> {
    const deadline = performance.now() + STOP_MS;
    for (;;) {
      const wereStill = this.#freezer.isStill();
      const { census, members, fresh } = this.#look();
      this.#stop(fresh, census);
      this.#request.onSeen(fresh);
      if (fresh.length === 0 && wereStill && members.length > 0) return;
      // What does not stop is caught by the sweep.
      if (members.length === 0 || performance.now() >= deadline) return;
      await sleep(1);
    }
  }

  /** Makes the scope. Returns what it was made of. */
  async start(): Promise<Entry[]> {
    for (let attempt = 1; ; attempt += 1) {
      const { members } = this.#look();
      if (members.length === 0) {
        throw new UsageError('the processes have ended before they could be adopted');
      }
      const { ok, said } = await this.#call(
        startScopeArgv(
          this.#scope,
          members.map(({ pid }) => pid),
        ),
      );
      if (ok) return members;
      if (attempt === ATTEMPTS || !isGoneSaid(said)) throw startFailure(this.#scope.unit, said);
    }
  }

  /** Waits until those that were listed are in the scope, and says where that is. */
  async arrival(listed: readonly Entry[]): Promise<string> {
    const { unit } = this.#scope;
    const deadline = performance.now() + START_MS;
    for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 20)) {
      const alive = listed.filter((entry) => this.#isAlive(entry));
      const places = alive.map(({ pid }) => cgroupOf(pid, this.#proc));
      const arrived = places.filter((place) => place?.endsWith(`/${unit}`));
      const isLate = performance.now() >= deadline;
      if (arrived[0] !== undefined && (arrived.length === alive.length || isLate)) {
        return arrived[0];
      }
      if (alive.length === 0) throw new UsageError('the processes ended while they were adopted');
      if (isLate) throw startFailure(unit, 'the scope did not come');
      await sleep(pauseMs);
    }
  }

  /** Fetches members that are outside, until two looks in a row find none. */
  async sweep(cgroup: string, listed: readonly Entry[]): Promise<Pick<Moved, 'swept' | 'escaped'>> {
    const known = new Set(listed.map(keyOf));
    const swept = new Set<string>();
    const deadline = performance.now() + SWEEP_MS;
    for (let clean = 0; clean < 2; ) {
      const { census, members, fresh } = this.#look();
      const outside = members.filter(({ pid }) => !this.#isInside(pid, cgroup));
      this.#stop(outside, census);
      this.#request.onSeen(fresh.filter((entry) => outside.includes(entry)));
      clean = outside.length === 0 ? clean + 1 : 0;
      if (outside.length > 0) {
        if (performance.now() >= deadline) return { swept: [...swept], escaped: outside };
        const { ok } = await this.#call(
          attachArgv(
            this.#scope.unit,
            outside.map(({ pid }) => pid),
          ),
        );
        if (ok) for (const entry of outside) if (!known.has(keyOf(entry))) swept.add(keyOf(entry));
      }
      await sleep(2);
    }
    return { swept: [...swept], escaped: [] };
  }

  /** busctl cannot pass pidfds, so a PID may have changed hands between the look and the call. */
  strangersAmong(listed: readonly Entry[], cgroup: string): number[] {
    const members = new Set(this.#look().members.map(keyOf));
    return listed.flatMap(({ pid, startTicks }) => {
      const now = readEntry(pid, this.#proc);
      if (now === undefined || now.startTicks === startTicks || members.has(keyOf(now))) return [];
      return this.#isInside(pid, cgroup) ? [pid] : [];
    });
  }

  #look(): { census: Census; members: Entry[]; fresh: Entry[] } {
    const census = readCensus(this.#proc);
    const members = this.#family.in(census);
    const fresh = members.filter((entry) => !this.#seen.has(keyOf(entry)));
    for (const entry of fresh) this.#seen.add(keyOf(entry));
    return { census, members, fresh };
  }

  #stop(entries: readonly Entry[], census: Census): void {
    for (const entry of entries) {
      if (!this.#request.isSpared(entry, census)) this.#freezer.stop(entry);
    }
  }

  #isInside(pid: number, cgroup: string): boolean {
    const place = cgroupOf(pid, this.#proc);
    // One that is gone is nowhere.
    return place === undefined || place === cgroup || place.startsWith(`${cgroup}/`);
  }

  #isAlive({ pid, startTicks }: Entry): boolean {
    const now = readEntry(pid, this.#proc);
    return now !== undefined && now.startTicks === startTicks && !'ZXx'.includes(now.state);
  }
}

function isGoneSaid(said: string): boolean {
  return /No such process|not exist|ESRCH/i.test(said);
}

function startFailure(unit: string, said: string): Error {
  if (/already (loaded|exists)/.test(said)) {
    return new UsageError(`there is a unit ${unit} already`, {
      why: `systemd said: ${said}`,
      remedy: 'another name: --unit NAME',
    });
  }
  return new UnavailableError(`the scope ${unit} could not be made`, {
    why: `systemd said: ${said}`,
    remedy: `journalctl --user -n 20 -u ${unit}`,
  });
}
