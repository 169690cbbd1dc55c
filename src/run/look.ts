import { isAlive, readProcess } from '../cgroup/index.js';
import type { Culprit } from '../verdict/index.js';

/** The processes of a run at one moment. */
export interface Looked {
  largest?: Culprit;
  /** The largest of them that has ended since, in whichever way. */
  goneLargest(proc: string): Culprit | undefined;
}

/** Beyond this many, only the first are looked at: a look must stay cheap. */
const MOST = 400;

/** Looks at processes, to know later who it was that went. */
export function lookAt(pids: readonly number[], proc = '/proc'): Looked {
  const seen = pids.slice(0, MOST).flatMap((pid) => readProcess(pid, proc) ?? []);
  seen.sort((a, b) => (b.memory ?? 0) - (a.memory ?? 0));
  const culprits = seen.map(({ pid, comm, memory, startTicks }) => ({
    culprit: { pid, comm, ...(memory === undefined ? {} : { memory }) },
    startTicks,
  }));
  const largest = culprits[0]?.culprit;
  return {
    ...(largest === undefined ? {} : { largest }),
    goneLargest: (now) =>
      culprits.find(({ culprit, startTicks }) => !isAlive({ pid: culprit.pid, startTicks }, now))
        ?.culprit,
  };
}
