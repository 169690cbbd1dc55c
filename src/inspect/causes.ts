/**
 * Why a property is not in force, and the command that mends it: all wording of findings stands
 * here. Each function gives one finding.
 */
import type { CgroupFileError } from '../cgroup/index.js';
import type { Finding } from '../model/index.js';
import { propertySpec } from '../properties/index.js';
import { shellQuote } from '../text/shell.js';
import type { Asked, KernelContext } from './context.js';
import type { Meaning, Value } from './meaning.js';
import { CGROUPS, differs, fileOf, finding, managerOf } from './wording.js';

export * from './controller-causes.js';

/** What runs without systemd and without a cgroup do not have. */
export function noCgroup(asked: Asked, context: KernelContext): Finding {
  return finding('no-cgroup', asked, context, {
    cause: 'this run has no cgroup that could hold it, and from outside it cannot be watched over',
    remedy: CGROUP_REMEDY,
  });
}

/** Only systemd acts on it, and the run is none of its units. */
export function needsSystemd(asked: Asked, context: KernelContext): Finding {
  return finding('needs-systemd', asked, context, {
    cause: 'systemd acts on it, and this run is started without systemd',
    remedy: `leave ${asked.name} out, or start the run through systemd: --launcher user`,
  });
}

/**
 * CPUs instead of a share of them. The kernel holds a process to them, but a program may choose
 * others for itself (sched_setaffinity(2)), as it could not under cpuset.
 * @param figures what was asked for, and what it has instead
 */
export function heldByAffinity(
  asked: Asked,
  figures: { cpus: string; exact: boolean },
  context: KernelContext,
): Finding {
  const { cpus, exact } = figures;
  const how = exact
    ? `held by CPU affinity to ${cpus}, which a program may change for itself`
    : `only approximate: held by CPU affinity to ${cpus}, since there is no part of a CPU`;
  return finding('held-by-affinity', asked, context, {
    observed: cpus,
    severity: exact ? 'warning' : 'problem',
    cause: how,
    remedy: CGROUP_REMEDY,
  });
}

/** Niceness instead of a weight. */
export function heldByNiceness(asked: Asked, nice: number, context: KernelContext): Finding {
  return finding('held-by-niceness', asked, context, {
    observed: `niceness ${nice}`,
    cause: `only approximate: held by niceness ${nice}, process by process`,
    remedy: CGROUP_REMEDY,
  });
}

const CGROUP_REMEDY =
  'run it where systemd, or a cgroup v2 tree that you may write in, is to be had: on the host, ' +
  'or in a container that was given one';

/** Nobody watches any more: the rlimit that did has been killed. */
export function watcherGone(asked: Asked, context: KernelContext): Finding {
  return finding('watcher-gone', asked, context, {
    cause: 'the rlimit that watched over it has ended, and the kernel holds no such limit here',
    remedy: `rlimit kill ${shellQuote(context.unit ?? 'UNIT')}`,
  });
}

/**
 * systemd filters addresses by BPF programs on the cgroup, which only root's manager may load: a user's
 * manager takes the property, shows it, and says nothing (seen on 257).
 */
export function filterWithoutRoot(asked: Asked, context: KernelContext): Finding | undefined {
  if (['', 'no'].includes(String(asked.value ?? asked.text))) return undefined;
  if (context.ownCgroup !== undefined) return needsSystemd(asked, context);
  if (context.system === true || context.uid === 0) return undefined;
  return finding('address-filter-needs-root', asked, context, {
    cause:
      'a user’s manager may not load the BPF programs that filter and count: it does nothing here',
    remedy: `leave ${asked.name} out, or have the system’s manager run it: sudo rlimit run --system`,
  });
}

/** A property that this unit type or this systemd has not; systemd cannot have set it. */
export function notTaken(asked: Asked, context: KernelContext): Finding | undefined {
  const { kind = 'scope', systemd } = context;
  const since = propertySpec(asked.name).since[kind];
  if (since === undefined) {
    return finding('not-for-unit-type', asked, context, {
      cause: `a ${kind} has no such property`,
      remedy: `leave ${asked.name} out, or put it on a service`,
    });
  }
  if (systemd === undefined || systemd >= since) return undefined;
  return finding('systemd-too-old', asked, context, {
    cause: `it needs systemd ${since} or later for a ${kind}, and this is systemd ${systemd}`,
    remedy: `leave ${asked.name} out, or use a system with systemd ${since}`,
  });
}

/** The file is there, and we may not read it. */
export function notReadable(asked: Asked, file: string, context: KernelContext): Finding {
  return finding('unreadable-kernel-file', asked, context, {
    severity: 'warning',
    cause: `${file} cannot be read (${context.unreadable?.[file]}): whether the limit is in force is not known`,
    remedy: `sudo rlimit inspect ${shellQuote(context.unit ?? 'UNIT')}`,
  });
}

/** The controller is enabled, and yet the kernel has no such file: it was built without it. */
export function noFile(asked: Asked, context: KernelContext): Finding {
  if (asked.name === 'MemorySwapMax') {
    return finding('no-swap-accounting', asked, context, {
      cause: 'this kernel does not account swap, so it has no memory.swap.max',
      remedy:
        'boot the kernel with swapaccount=1 (before Linux 6.1), or do without swap: swapoff -a',
    });
  }
  const reason =
    asked.name === 'IOWeight' || asked.name === 'IODeviceWeight'
      ? 'it was built without io.cost, and no device uses the BFQ scheduler'
      : 'it is too old, or was built without it';
  return finding('no-kernel-file', asked, context, {
    cause: `this kernel has no ${fileOf(asked)}: ${reason}`,
  });
}

/** The kernel holds another value, or none. */
export function notHeld(
  asked: Asked,
  meaning: Meaning,
  held: Value | undefined,
  context: KernelContext,
): Finding {
  return differs('kernel-differs', { asked, meaning, held }, context, (wanted, observed) => {
    const place = `the kernel holds ${observed} in ${fileOf(asked)}`;
    const isBare = held === undefined || held === meaning.unset || held === 'infinity';
    const how = whyNotHeld(asked, { ...context, isBare });
    return `${wanted} was wanted and ${place}: ${how}`;
  });
}

/** Only who knows what systemd holds can tell. */
function whyNotHeld(
  { name }: Asked,
  { settings, ownCgroup, isBare }: KernelContext & { isBare: boolean },
): string {
  if (settings === undefined && ownCgroup === undefined) {
    return 'a drop-in overrides it, it was changed by hand, or the kernel refused the value (rlimit inspect tells)';
  }
  return REFUSED.includes(propertySpec(name).controller ?? '')
    ? 'it was changed there by hand, or the kernel refused the value'
    : `somebody wrote to that file by hand${isBare ? ABSENT : ''}, and systemd does not look again`;
}

/** Seen on 257: when a controller comes back, systemd does not write the values of units again. */
const ABSENT = ', or the controller was gone for a while';

/** The kernel takes every value of the others; these go by devices and CPUs that are there. */
const REFUSED = ['cpuset', 'io'];

/** io.weight is held, and nothing reads it. */
export function weightWithoutScheduler(asked: Asked, context: KernelContext): Finding {
  return finding('io-weight-without-scheduler', asked, context, {
    cause:
      'the kernel holds the weight, but no block device goes by it: weights count only under ' +
      'the BFQ scheduler or with io.cost enabled',
    remedy: 'echo bfq | sudo tee /sys/block/DEVICE/queue/scheduler (until the next boot)',
  });
}

/**
 * MemoryHigh below MemoryMax without swap: a program that settles between the two is never killed
 * and never gets on, and everything in its cgroup stalls with it (seen: no OOM kill, 8454 times
 * over memory.high in 8 s).
 */
export function livelock(
  figures: { high: string; max: string; stalled?: { percent?: number } },
  { unit = 'UNIT', system, ownCgroup }: KernelContext,
): Finding {
  const { high, max, stalled } = figures;
  const zone =
    `MemoryHigh=${high} is below MemoryMax=${max} and there is no swap to go to: between the ` +
    'two, programs are slowed down without end and never killed';
  const manager = system ? 'sudo systemctl' : 'systemctl --user';
  const lift =
    ownCgroup === undefined
      ? `${manager} set-property --runtime ${shellQuote(unit)} MemoryHigh=infinity`
      : `echo max >${CGROUPS}${ownCgroup}/memory.high`;
  const waiting =
    stalled?.percent === undefined
      ? ''
      : `, all of its processes waiting for memory ${stalled.percent}% of the time`;
  return {
    id: stalled ? 'livelock' : 'high-below-max-without-swap',
    severity: stalled ? 'problem' : 'warning',
    unit,
    property: 'MemoryHigh',
    wanted: high,
    cause: stalled ? `the unit is stalled${waiting}: ${zone}` : zone,
    remedy: stalled
      ? `rlimit inspect --break-stall ${shellQuote(unit)}; or by hand: rlimit kill ` +
        `${shellQuote(unit)}, or only its largest process: rlimit kill --process NAME; to let it ` +
        `go on up to MemoryMax: ${lift}`
      : lift,
  };
}

/** The kernel's file holds something that is no value. */
export function unreadable(asked: Asked, error: CgroupFileError, context: KernelContext): Finding {
  return finding('unreadable-kernel-file', asked, context, { cause: error.message });
}

/** A cgroup above the unit's allows less than the unit's own limit. */
export function tighterAncestor(
  property: string,
  figures: { own: string; theirs: string; file: string; cgroup: string },
  context: KernelContext,
): Finding {
  const { cgroup } = figures;
  const name = cgroup.slice(cgroup.lastIndexOf('/') + 1);
  const isUnit = /\.(slice|scope|service)$/.test(name);
  const held = figures.file === 'memory.high' ? 'MemoryHigh' : property;
  const assignment = shellQuote(`${held}=${figures.own}`);
  const raised = `${managerOf(cgroup)} set-property --runtime ${shellQuote(name)} ${assignment}`;
  return {
    id: 'ancestor-tighter',
    severity: 'warning',
    ...(context.unit === undefined ? {} : { unit: context.unit }),
    property,
    wanted: figures.own,
    observed: figures.theirs,
    where: cgroup,
    cause:
      `${name}, above this unit, has ${figures.file} ${figures.theirs}, which is less than the ` +
      `unit’s own ${figures.own}: what all units in it use together counts against that`,
    remedy: isUnit
      ? `${raised}  # or have less asked for`
      : `no systemd unit: it is set in ${CGROUPS}${cgroup}/${figures.file}`,
  };
}
