import type { Amount, Finding, UnitKind } from '../model/index.js';
import type { ManagerKind } from '../systemd/client.js';
import type { StallBreak } from './break.js';
import { present } from './present.js';
import type { ProcessLook } from './processes.js';
import type { Rates } from './rates.js';
import type { Sample } from './sample.js';
import type { EndedUnit, WatchedUnit } from './units.js';

/** What the watch shows of all units at one moment; also one line of `--json`. */
export interface Look {
  /** ISO 8601 time. */
  time: string;
  units: UnitLook[];
  /** Units that have ended since the last look. */
  ended: EndedUnit[];
  /** Stalls that were broken since the last look, or could not be. */
  breaks: StallBreak[];
}

/** One unit at one moment. What the kernel does not tell is absent; rates are at the first look. */
export interface UnitLook {
  unit: string;
  kind: UnitKind;
  manager: ManagerKind;
  profile?: string;
  /** Path below the cgroup root; absent while it has none (a service between two starts). */
  cgroup?: string;
  /** Seconds since the last look, which the rates are of. */
  seconds?: number;
  /** Bytes. */
  memory: { current?: number; anon?: number; high?: Amount; max?: Amount };
  /** Bytes. */
  swap: { current?: number; max?: Amount };
  /** Cores kept busy, cores allowed, and the part (0 to 1) of the quota's periods that ran out. */
  cpu: { cores?: number; max?: Amount; throttled?: number };
  /** Percent of the last ten seconds in which some tasks, or all at once, waited. */
  pressure: { memory?: Waiting; cpu?: Waiting; io?: Waiting };
  tasks: { current?: number; max?: Amount };
  /** The largest first. Looked at less often where there are many. */
  processes: ProcessLook[];
  /** A stall, with what ends it. */
  findings: Finding[];
}

export interface Waiting {
  some?: number;
  full?: number;
}

/** What is known of a unit besides the unit itself. */
export interface Known {
  sample?: Sample;
  rates?: Rates;
  processes: ProcessLook[];
  findings: Finding[];
}

/** Puts together what is shown of one unit. */
export function unitLook(watched: WatchedUnit, known: Known): UnitLook {
  const { unit, kind, manager, cgroup, record } = watched;
  const { usage = {}, limits = {}, pressure = {} } = known.sample ?? {};
  return {
    unit,
    kind,
    manager,
    ...present({ profile: record?.profile, cgroup, seconds: rounded(known.rates?.seconds) }),
    memory: present({
      current: usage.memoryCurrent,
      anon: usage.memoryAnon,
      high: limits.memoryHigh,
      max: limits.memoryMax,
    }),
    swap: present({ current: usage.swapCurrent, max: limits.swapMax }),
    cpu: present({
      cores: rounded(known.rates?.cores),
      max: limits.cores,
      throttled: rounded(known.rates?.throttledPart),
    }),
    pressure: present({
      memory: waiting(pressure.memory),
      cpu: waiting(pressure.cpu),
      io: waiting(pressure.io),
    }),
    tasks: present({ current: usage.tasks, max: limits.tasksMax }),
    processes: known.processes,
    findings: known.findings,
  };
}

/** To thousandths: more is noise, and long to read. */
function rounded(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.round(value * 1000) / 1000;
}

function waiting(pressure: Sample['pressure']['memory']): Waiting | undefined {
  return pressure && present({ some: pressure.some?.avg10, full: pressure.full?.avg10 });
}
