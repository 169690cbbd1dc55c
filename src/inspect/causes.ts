/**
 * Why a property is not in force, and the command that mends it: all wording of findings stands
 * here. Each function gives one finding.
 */
import type { CgroupFileError } from '../cgroup/index.js';
import type { Controller, Finding, Severity, TroubleId } from '../model/index.js';
import { propertySpec } from '../properties/index.js';
import { shellQuote } from '../text/shell.js';
import type { Asked, KernelContext } from './context.js';
import { kernelWrites } from './kernel-text.js';
import type { Meaning, Value } from './meaning.js';

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

/** The manager was not given the controller, so none of its units has the file. */
export function notDelegated(
  asked: Asked,
  controller: Controller,
  context: KernelContext,
): Finding {
  if (context.ownCgroup !== undefined) {
    return notGiven(asked, controller, context.ownCgroup, context);
  }
  const manager = `user@${context.uid ?? 'UID'}.service`;
  return finding('controller-not-delegated', asked, context, {
    cause:
      `the ${controller} controller is not delegated to your user manager (${manager}), so the ` +
      `kernel has no ${fileOf(asked)} for its units`,
    remedy: delegationRemedy(manager),
  });
}

/** The place below which rlimit makes cgroups was not given the controller from above. */
function notGiven(
  asked: Asked,
  controller: Controller,
  ownCgroup: string,
  context: KernelContext,
): Finding {
  const place = parentOf(ownCgroup);
  const remedy =
    place === '/'
      ? `have whatever set up this machine or container give it the ${controller} controller`
      : `echo +${controller} | sudo tee ${CGROUPS}${below(parentOf(place))}/cgroup.subtree_control`;
  return finding('controller-not-delegated', asked, context, {
    cause:
      `the ${controller} controller is not given to ${place}, below which this run has its ` +
      `cgroup, so the kernel has no ${fileOf(asked)} there`,
    remedy,
  });
}

/** The controller is there, but is not switched on for this unit's cgroup. */
export function notEnabled(asked: Asked, controller: Controller, context: KernelContext): Finding {
  return finding('controller-not-enabled', asked, context, {
    cause:
      `the ${controller} controller is not enabled for the unit’s cgroup, so the kernel has no ` +
      `${fileOf(asked)} there`,
    remedy: setAgain(asked, context),
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
    return `${wanted} was wanted and ${place}: it was changed there by hand, or the kernel refused the value`;
  });
}

/** systemd itself holds another value than was asked of it. */
export function changedSince(
  asked: Asked,
  meaning: Meaning,
  held: Value | undefined,
  context: KernelContext,
): Finding {
  return differs('changed-since', { asked, meaning, held }, context, (wanted, observed) => {
    const place = `systemd now holds ${observed}`;
    return `${wanted} was asked for at the start and ${place}: somebody changed it since (systemctl set-property)`;
  });
}

/** A value that is another than asked for; one that is tighter limits all the same. */
function differs(
  id: TroubleId,
  { asked, meaning, held }: { asked: Asked; meaning: Meaning; held: Value | undefined },
  context: KernelContext,
  causeOf: (wanted: string, observed: string) => string,
): Finding {
  const wanted = asked.value;
  const observed = held === undefined ? 'nothing' : meaning.text(held);
  const tighter = wanted !== undefined && held !== undefined && !meaning.looser(wanted, held);
  return finding(id, asked, context, {
    observed,
    cause: causeOf(describe(wanted, meaning, asked), observed),
    remedy: setAgain(asked, context),
    ...(tighter ? { severity: 'warning' } : {}),
  });
}

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
  // Below user@UID.service it is a unit of the user's manager.
  const manager = /\/user@\d+\.service\//.test(cgroup) ? 'systemctl --user' : 'systemctl';
  return {
    id: 'ancestor-tighter',
    severity: 'warning',
    ...(context.unit === undefined ? {} : { unit: context.unit }),
    property,
    wanted: figures.own,
    observed: figures.theirs,
    cause:
      `${name}, above this unit, has ${figures.file} ${figures.theirs}, which is less than the ` +
      `unit’s own ${figures.own}: what all units in it use together counts against that`,
    remedy: isUnit
      ? `${manager} show -p FragmentPath,DropInPaths ${shellQuote(name)} tells where it is set`
      : `no systemd unit: it is set in ${CGROUPS}${cgroup}/${figures.file}`,
  };
}

/** How `user@.service` is given all controllers. Seen on 252, 257 and 262. */
export function delegationRemedy(manager: string): string {
  return [
    'as root, and only when your session may end (the last line ends every program in it):',
    'sudo mkdir -p /etc/systemd/system/user@.service.d',
    "printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' |",
    'sudo tee /etc/systemd/system/user@.service.d/delegate.conf',
    'sudo systemctl daemon-reload',
    `sudo systemctl restart ${manager}`,
  ].join('\n');
}

/** A hard limit that does not hold is a problem; a weight, a watermark or a hint a warning. */
function finding(
  id: TroubleId,
  asked: Asked,
  { unit }: KernelContext,
  details: { cause: string; remedy?: string; observed?: string; severity?: Severity },
): Finding {
  return {
    id,
    severity: propertySpec(asked.name).force === 'hard' ? 'problem' : 'warning',
    ...(unit === undefined ? {} : { unit }),
    property: asked.name,
    wanted: asked.text,
    ...details,
  };
}

function setAgain({ name, text }: Asked, context: KernelContext): string {
  const { unit, system, ownCgroup } = context;
  if (ownCgroup !== undefined) {
    const [write] = kernelWrites({ [name]: text }, context);
    return `echo '${write?.text ?? text}' >${CGROUPS}${ownCgroup}/${write?.file ?? ''}`;
  }
  const manager = system ? 'sudo systemctl' : 'systemctl --user';
  const value = shellQuote(`${name}=${text}`);
  return `${manager} set-property --runtime ${shellQuote(unit ?? 'UNIT')} ${value}`;
}

const CGROUPS = '/sys/fs/cgroup';

function parentOf(cgroup: string): string {
  return cgroup.slice(0, cgroup.lastIndexOf('/')) || '/';
}

function below(cgroup: string): string {
  return cgroup === '/' ? '' : cgroup;
}

function describe(wanted: Value | undefined, meaning: Meaning, asked: Asked): string {
  return wanted === undefined ? asked.text : meaning.text(wanted);
}

function fileOf(asked: Asked): string {
  return propertySpec(asked.name).file ?? '';
}
