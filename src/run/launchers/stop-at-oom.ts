import { type FSWatcher, watch } from 'node:fs';
import {
  isPopulated,
  killAtOnce,
  parseFlatKeyed,
  pause,
  processesIn,
  readCgroupFile,
} from '../../cgroup/index.js';
import type { Meter } from '../launcher.js';

/** How long the rest has to end by itself before it is killed, in ns. */
const PATIENCE_NS = 10_000_000_000n;
/** The same for what outlives the command. */
const REST_MS = 1000;
const PAUSE_MS = 10;

/**
 * OOMPolicy=stop, as systemd does it for its units: once the kernel has killed a process for lack of
 * memory, all others are told to end (SIGTERM), and killed where they do not. The kernel tells of it:
 * a change of memory.events is an inotify event (cgroup v2, section memory.events). What is missed is
 * noticed when the run is looked at.
 */
export function stopAtOom(meter: Meter, cgroup: string, root: string): Meter {
  const before = oomKills(cgroup, root);
  let since: bigint | undefined;
  const told = new Set<number>();
  /** Also those that were forked while the others were told. */
  const tellAll = () => {
    for (const pid of processesIn(cgroup, root)) {
      if (told.has(pid)) continue;
      told.add(pid);
      terminate(pid);
    }
  };
  const check = () => {
    const now = process.hrtime.bigint();
    if (since === undefined && oomKills(cgroup, root) <= before) return;
    since ??= now;
    if (now - since > PATIENCE_NS) killAtOnce(cgroup, root);
    else tellAll();
  };
  const watcher = watchEvents(`${root}${cgroup}/memory.events`, check);
  return {
    get isTight() {
      return meter.isTight;
    },
    processes: meter.processes,
    sample: () => {
      meter.sample();
      check();
    },
    final: () => {
      watcher?.close();
      check();
      // The command has ended, and so does rlimit: what is left gets no more than this.
      if (since !== undefined) endRest(cgroup, root);
      return meter.final();
    },
  };
}

function endRest(cgroup: string, root: string): void {
  for (let waitedMs = 0; waitedMs < REST_MS && isPopulated(cgroup, root); waitedMs += PAUSE_MS) {
    pause(PAUSE_MS);
  }
  if (isPopulated(cgroup, root)) killAtOnce(cgroup, root);
}

/** Undefined where there is nothing to watch, or the user has no watch left (inotify(7)). */
function watchEvents(file: string, onChange: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(file, { persistent: false }, onChange);
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}

function oomKills(cgroup: string, root: string): number {
  const events = readCgroupFile(cgroup, 'memory.events', root);
  return events === undefined ? 0 : (parseFlatKeyed(events, 'memory.events').oom_kill ?? 0);
}

/** Read from cgroup.procs a moment ago: no PID comes round that fast. */
function terminate(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // It is gone, or not ours to end.
  }
}
