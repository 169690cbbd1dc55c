import { killAtOnce, parseFlatKeyed, processesIn, readCgroupFile } from '../../cgroup/index.js';
import type { Meter } from '../launcher.js';

/** How long the rest has to end by itself before it is killed, in ns. */
const PATIENCE_NS = 10_000_000_000n;

/**
 * OOMPolicy=stop, as systemd does it for its units: once the kernel has killed a process for lack of
 * memory, all others are told to end (SIGTERM), and killed where they do not. It is noticed when the
 * run is looked at.
 */
export function stopAtOom(meter: Meter, cgroup: string, root: string): Meter {
  const before = oomKills(cgroup, root);
  let since: bigint | undefined;
  return {
    get isTight() {
      return meter.isTight;
    },
    sample: () => {
      meter.sample();
      const now = process.hrtime.bigint();
      if (since === undefined) {
        if (oomKills(cgroup, root) <= before) return;
        since = now;
        for (const pid of processesIn(cgroup, root)) terminate(pid);
      } else if (now - since > PATIENCE_NS) {
        killAtOnce(cgroup, root);
      }
    },
    final: () => meter.final(),
  };
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
