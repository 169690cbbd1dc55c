/**
 * Why a property is not in force, and the command that mends it: all wording of findings stands
 * here. Each function gives one finding.
 */
import type { CgroupFileError } from '../cgroup/index.js';
import type { Controller, Finding, Severity } from '../model/index.js';
import { propertySpec } from '../properties/index.js';
import { shellQuote } from '../text/shell.js';
import type { Asked, KernelContext } from './context.js';
import type { Meaning, Value } from './meaning.js';

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
  const manager = `user@${context.uid ?? 'UID'}.service`;
  return finding('controller-not-delegated', asked, context, {
    cause:
      `the ${controller} controller is not delegated to your user manager (${manager}), so the ` +
      `kernel has no ${fileOf(asked)} for its units`,
    remedy: delegationRemedy(manager),
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
  id: string,
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
  figures: { high: string; max: string; stalledPercent?: number },
  { unit = 'UNIT', system }: KernelContext,
): Finding {
  const { high, max, stalledPercent } = figures;
  const zone =
    `MemoryHigh=${high} is below MemoryMax=${max} and there is no swap to go to: between the ` +
    'two, programs are slowed down without end and never killed';
  const manager = system ? 'sudo systemctl' : 'systemctl --user';
  const lift = `${manager} set-property --runtime ${shellQuote(unit)} MemoryHigh=infinity`;
  const stalled = stalledPercent !== undefined;
  return {
    id: stalled ? 'livelock' : 'livelock-zone',
    severity: stalled ? 'problem' : 'warning',
    unit,
    property: 'MemoryHigh',
    wanted: high,
    cause: stalled
      ? `the unit is stalled, all of its processes waiting for memory ${stalledPercent}% of the ` +
        `time: ${zone}`
      : zone,
    remedy: stalled
      ? `rlimit kill ${shellQuote(unit)}, or only its largest process: rlimit kill --process ` +
        `NAME; to let it go on up to MemoryMax: ${lift}`
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
    remedy: `${manager} show -p FragmentPath,DropInPaths ${shellQuote(name)} tells where it is set`,
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
  id: string,
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

function setAgain({ name, text }: Asked, { unit, system }: KernelContext): string {
  const manager = system ? 'sudo systemctl' : 'systemctl --user';
  const value = shellQuote(`${name}=${text}`);
  return `${manager} set-property --runtime ${shellQuote(unit ?? 'UNIT')} ${value}`;
}

function describe(wanted: Value | undefined, meaning: Meaning, asked: Asked): string {
  return wanted === undefined ? asked.text : meaning.text(wanted);
}

function fileOf(asked: Asked): string {
  return propertySpec(asked.name).file ?? '';
}
