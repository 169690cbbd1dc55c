/** The guards of this machine as a watch sees them, and whom they ended. */
import { isAlive } from '../cgroup/index.js';
import type { GuardDeed, GuardSample, MemoryKill } from '../model/index.js';
import { type KeptDeeds, readGuardDeeds } from '../state/guard-deeds.js';
import { present } from '../watch/present.js';

/**
 * @param uid who looks: a guard of the same user tells its alerts in the same places
 */
export function guardSamples(
  kept: readonly KeptDeeds[] = readGuardDeeds(),
  uid = process.geteuid?.() ?? 0,
  proc = '/proc',
): GuardSample[] {
  return kept.map(({ of, guard, tells, done, failed, deeds }) => {
    const running = isAlive(guard, proc);
    const warned = deeds.findLast(({ kind }) => kind === 'warn');
    return {
      ...{ of, running, tells: running && tells && guard.uid === uid, done, failed },
      ...(warned === undefined ? {} : { warnedMs: warned.atMs }),
    };
  });
}

/** Reads on in what guards did from where it stood at its first look. */
export class GuardKills {
  readonly #read: () => readonly KeptDeeds[];
  readonly #uid: number;
  #lastMs: number | undefined;

  constructor(read: () => readonly KeptDeeds[] = readGuardDeeds, uid = process.geteuid?.() ?? 0) {
    this.#read = read;
    this.#uid = uid;
  }

  /**
   * Whom guards ended for lack of memory since the last time. What a guard tells in the same places itself
   * is left to it.
   * @param atMs now, on CLOCK_MONOTONIC
   */
  read(atMs: number): MemoryKill[] {
    const since = this.#lastMs;
    this.#lastMs = atMs;
    if (since === undefined) return [];
    const seen = new Set<string>();
    return this.#read()
      .filter(({ tells, guard }) => !(tells && guard.uid === this.#uid))
      .flatMap(({ deeds }) => deeds)
      .filter((deed) => deed.atMs > since && deed.atMs <= atMs && isKill(deed))
      .filter((deed) => isFirst(deed, seen))
      .map(killOf);
  }
}

function isKill({ kind }: GuardDeed): boolean {
  return kind === 'term' || kind === 'kill';
}

/** SIGKILL after SIGTERM is one. */
function isFirst({ unit, process }: GuardDeed, seen: Set<string>): boolean {
  const key = unit ?? `${process?.pid}:${process?.startTicks}`;
  const isNew = !seen.has(key);
  seen.add(key);
  return isNew;
}

function killOf({ unit, cgroup, process, memory, time }: GuardDeed): MemoryKill {
  const { pid, comm } = process ?? {};
  return { by: 'guard', ...present({ unit, cgroup, pid, comm, memory }), time };
}
