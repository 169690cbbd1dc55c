/**
 * The resource-control properties rlimit knows: one table that the profile schema, the compiler
 * for systemd-run, `inspect` and the help all read. Sources: systemd.resource-control(5),
 * systemd.scope(5), systemd's NEWS for the versions, and the kernel's cgroup-v2 document for the
 * files.
 */
import type { Controller, UnitKind } from '../model/index.js';

/** How a value is written, and so how it is parsed, printed and compared. */
export type ValueKind =
  | 'bytes'
  | 'cpu-quota'
  | 'cpu-weight'
  | 'io-weight'
  | 'tasks'
  | 'cpu-list'
  | 'span'
  | 'boolean'
  | 'percent'
  | 'addresses'
  | 'io-device-weight'
  | 'io-device-bytes'
  | 'io-device-count'
  | readonly string[];

/**
 * `hard`: a limit; when it is not in force the run is not limited, which is a problem.
 * `soft`: a weight, a watermark or a hint; when it cannot bind, that is a warning.
 * `manager`: systemd itself acts on it, so there is no kernel file to compare with.
 */
export type Force = 'hard' | 'soft' | 'manager';

export interface PropertySpec {
  kind: ValueKind;
  force: Force;
  /** What it needs from the kernel, and the cgroup v2 file that holds it. */
  controller?: Controller;
  file?: string;
  /** Name in `systemctl show` and on D-Bus, where it differs from the setting's. */
  shown?: string;
  /** First systemd version that takes it, for each unit type that takes it at all. */
  since: Partial<Record<UnitKind, number>>;
}

/** Versions before this one do not matter: Debian 11 and Ubuntu 22.04 are newer. */
const ALWAYS = 240;
const everywhere = (since: number) => ({ scope: since, service: since, slice: since });

/**
 * First systemd whose scopes have OOMPolicy=. Before it the property breaks the start of a scope
 * (NEWS of 253).
 */
export const SCOPE_OOM_POLICY_SINCE = 253;

export const PROPERTIES = {
  MemoryMin: {
    kind: 'bytes',
    force: 'soft',
    controller: 'memory',
    file: 'memory.min',
    since: everywhere(ALWAYS),
  },
  MemoryLow: {
    kind: 'bytes',
    force: 'soft',
    controller: 'memory',
    file: 'memory.low',
    since: everywhere(ALWAYS),
  },
  MemoryHigh: {
    kind: 'bytes',
    force: 'soft',
    controller: 'memory',
    file: 'memory.high',
    since: everywhere(ALWAYS),
  },
  MemoryMax: {
    kind: 'bytes',
    force: 'hard',
    controller: 'memory',
    file: 'memory.max',
    since: everywhere(ALWAYS),
  },
  MemorySwapMax: {
    kind: 'bytes',
    force: 'hard',
    controller: 'memory',
    file: 'memory.swap.max',
    since: everywhere(ALWAYS),
  },
  MemoryZSwapMax: {
    kind: 'bytes',
    force: 'soft',
    controller: 'memory',
    file: 'memory.zswap.max',
    since: everywhere(253),
  },
  CPUQuota: {
    kind: 'cpu-quota',
    force: 'hard',
    controller: 'cpu',
    file: 'cpu.max',
    shown: 'CPUQuotaPerSecUSec',
    since: everywhere(ALWAYS),
  },
  CPUQuotaPeriodSec: {
    kind: 'span',
    force: 'soft',
    controller: 'cpu',
    file: 'cpu.max',
    shown: 'CPUQuotaPeriodUSec',
    since: everywhere(242),
  },
  CPUWeight: {
    kind: 'cpu-weight',
    force: 'soft',
    controller: 'cpu',
    file: 'cpu.weight',
    since: everywhere(ALWAYS),
  },
  AllowedCPUs: {
    kind: 'cpu-list',
    force: 'soft',
    controller: 'cpuset',
    file: 'cpuset.cpus',
    since: everywhere(244),
  },
  AllowedMemoryNodes: {
    kind: 'cpu-list',
    force: 'soft',
    controller: 'cpuset',
    file: 'cpuset.mems',
    since: everywhere(244),
  },
  IOWeight: {
    kind: 'io-weight',
    force: 'soft',
    controller: 'io',
    file: 'io.weight',
    since: everywhere(ALWAYS),
  },
  IODeviceWeight: {
    kind: 'io-device-weight',
    force: 'soft',
    controller: 'io',
    file: 'io.weight',
    since: everywhere(ALWAYS),
  },
  IOReadBandwidthMax: {
    kind: 'io-device-bytes',
    force: 'soft',
    controller: 'io',
    file: 'io.max',
    since: everywhere(ALWAYS),
  },
  IOWriteBandwidthMax: {
    kind: 'io-device-bytes',
    force: 'soft',
    controller: 'io',
    file: 'io.max',
    since: everywhere(ALWAYS),
  },
  IOReadIOPSMax: {
    kind: 'io-device-count',
    force: 'soft',
    controller: 'io',
    file: 'io.max',
    since: everywhere(ALWAYS),
  },
  IOWriteIOPSMax: {
    kind: 'io-device-count',
    force: 'soft',
    controller: 'io',
    file: 'io.max',
    since: everywhere(ALWAYS),
  },
  TasksMax: {
    kind: 'tasks',
    force: 'hard',
    controller: 'pids',
    file: 'pids.max',
    since: everywhere(ALWAYS),
  },
  IPAddressAllow: { kind: 'addresses', force: 'hard', since: everywhere(ALWAYS) },
  IPAddressDeny: { kind: 'addresses', force: 'hard', since: everywhere(ALWAYS) },
  IPAccounting: { kind: 'boolean', force: 'soft', since: everywhere(ALWAYS) },
  OOMPolicy: {
    kind: ['continue', 'stop', 'kill'],
    force: 'manager',
    since: { scope: SCOPE_OOM_POLICY_SINCE, service: 243 },
  },
  RuntimeMaxSec: {
    kind: 'span',
    force: 'manager',
    shown: 'RuntimeMaxUSec',
    since: { scope: 244, service: ALWAYS },
  },
  ManagedOOMSwap: { kind: ['auto', 'kill'], force: 'manager', since: everywhere(247) },
  ManagedOOMMemoryPressure: { kind: ['auto', 'kill'], force: 'manager', since: everywhere(247) },
  ManagedOOMMemoryPressureLimit: { kind: 'percent', force: 'manager', since: everywhere(247) },
  ManagedOOMPreference: {
    kind: ['none', 'avoid', 'omit'],
    force: 'manager',
    since: everywhere(248),
  },
} as const satisfies Record<string, PropertySpec>;

export type PropertyName = keyof typeof PROPERTIES;

/** Names of all known properties, in the order in which they are shown. */
export const PROPERTY_NAMES = Object.keys(PROPERTIES) as PropertyName[];

/** Tells whether rlimit knows a property of that exact name. */
export function isPropertyName(name: string): name is PropertyName {
  return Object.hasOwn(PROPERTIES, name);
}

/** The table's row for a known property. */
export function propertySpec(name: PropertyName): PropertySpec {
  return PROPERTIES[name];
}

/**
 * Whether systemd puts a property into force by BPF programs on the unit's cgroup, which no file of it
 * tells of.
 */
export function isByBpf(name: string): boolean {
  return name.startsWith('IP') && isPropertyName(name);
}

/** The property's name in `systemctl show`. */
export function shownName(name: PropertyName): string {
  return propertySpec(name).shown ?? name;
}

/**
 * Settings that people try on scopes and that systemd takes only for services, with what to do
 * instead (seen: `Unknown assignment` for each of them).
 */
export const NOT_FOR_SCOPES: Readonly<Record<string, string>> = {
  CPUAffinity: 'use AllowedCPUs=, or `taskset` in front of the command',
  Nice: 'use --nice',
  OOMScoreAdjust: 'use `choom -n N --` in front of the command',
  IOSchedulingClass: 'use `ionice` in front of the command',
  LimitNOFILE: 'use `prlimit --nofile=N` in front of the command',
  LimitAS: 'use MemoryMax=: address space is not memory',
  LimitNPROC: 'use TasksMax=',
  DynamicUser: 'it is a setting of services',
  CPUQuotaPerSecUSec: 'use CPUQuota=, a percentage of one core',
  MemoryLimit: 'it is the cgroup v1 name: use MemoryMax=',
  CPUShares: 'it is the cgroup v1 name: use CPUWeight=',
  BlockIOWeight: 'it is the cgroup v1 name: use IOWeight=',
};
