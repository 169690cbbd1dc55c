/** Pods with resources, and LimitRanges with the same figures for a namespace. */
import { parseSpan } from '../../quantity/index.js';
import { aboutProfile, header } from '../comment.js';
import { LABEL, nameFor, refuseOneForMany } from '../names.js';
import { bytesOf, milliCoresOf, sized } from '../scales.js';
import { type Dictionary, never, translate, withoutFilter, withoutOomd } from '../translate.js';
import type { Cannot, Format, Subject, Target } from '../types.js';
import { yaml } from './compose.js';
import { HEALTH, serviceOf } from './service.js';

export const kubernetes: Format = {
  summary: 'a Pod and a LimitRange of Kubernetes',
  many: true,
  uses: ['name', 'image', 'health', 'harden'],
  write: (subjects, target) => {
    refuseOneForMany(subjects, target, ['name', 'image', 'health']);
    const parts = subjects.map((subject) => documents(subject, target));
    const text = [
      ...header('kubernetes', subjects, target.machine, [
        'The Pod has the limits itself. A LimitRange gives them to every container of a namespace that',
        'says none, and refuses larger ones: leave it out where that is not meant.',
      ]),
      ...parts.flatMap(({ about, pod, range }) => [
        ...about,
        ...yaml(pod).trimEnd().split('\n'),
        ...(range === undefined ? [] : ['---', ...yaml(range).trimEnd().split('\n')]),
        '---',
      ]),
    ];
    text.pop();
    return { text: `${text.join('\n')}\n`, cannot: parts.flatMap(({ cannot }) => cannot) };
  },
};

interface Word {
  limits?: Record<string, string>;
  requests?: Record<string, string>;
  pod?: Record<string, unknown>;
}

const KUBELET = 'the kubelet sets it for a whole node, not a Pod';

const WORDS: Dictionary<Word> = {
  MemoryMax: (value) => {
    const bytes = bytesOf(value);
    if (bytes === undefined) return { already: 'without a limit there is none' };
    return { say: { limits: { memory: quantity(bytes) } } };
  },
  MemoryLow: (value) => {
    const bytes = bytesOf(value);
    if (bytes === undefined) return { cannot: 'a request needs a figure' };
    const note = 'a request keeps that much of a node free; it protects nothing in the kernel';
    return { say: { requests: { memory: quantity(bytes) } }, note };
  },
  MemoryMin: never('a request is for the scheduler; memory.min needs the feature gate MemoryQoS'),
  MemoryHigh: (value) =>
    value === 'infinity'
      ? { already: 'without the feature gate MemoryQoS there is none' }
      : { cannot: `${KUBELET} (feature gate MemoryQoS, memoryThrottlingFactor)` },
  MemorySwapMax: (value) =>
    bytesOf(value) === 0
      ? { already: 'Pods have no swap unless the kubelet’s swapBehavior gives it to them' }
      : { cannot: `${KUBELET} (swapBehavior)` },
  MemoryZSwapMax: never('Pods know nothing of zswap'),
  CPUQuota: (value) => {
    const milli = milliCoresOf(value);
    return { say: { limits: { cpu: milli % 1000 === 0 ? `${milli / 1000}` : `${milli}m` } } };
  },
  CPUQuotaPeriodSec: never(`${KUBELET} (cpuCFSQuotaPeriod)`),
  CPUWeight: (value) =>
    value === '100'
      ? { already: 'it is everybody’s default' }
      : { cannot: 'the weight follows from requests.cpu, which also keeps cores free' },
  AllowedCPUs: never(`${KUBELET}: its CPU manager (policy static) chooses the CPUs`),
  AllowedMemoryNodes: never(`${KUBELET}: its memory manager chooses the nodes`),
  IOWeight: never('Pods have no limits for disks'),
  IODeviceWeight: never('Pods have no limits for disks'),
  IOReadBandwidthMax: never('Pods have no limits for disks'),
  IOWriteBandwidthMax: never('Pods have no limits for disks'),
  IOReadIOPSMax: never('Pods have no limits for disks'),
  IOWriteIOPSMax: never('Pods have no limits for disks'),
  TasksMax: never(`${KUBELET} (podPidsLimit)`),
  OOMPolicy: (value) =>
    value === 'kill'
      ? { already: 'since 1.28 the kubelet sets memory.oom.group, and all of a container ends' }
      : { cannot: `${KUBELET} (singleProcessOOMKill); else all of a container ends` },
  RuntimeMaxSec: (value) => {
    const span = parseSpan(value);
    if (span === 'infinity') return { already: 'without a deadline there is none' };
    return { say: { pod: { activeDeadlineSeconds: Math.max(1, Math.round(span / 1_000_000)) } } };
  },
  ...withoutFilter('a NetworkPolicy filters addresses, and it is no part of a Pod'),
  ...withoutOomd('looks at units, and Pods are made without them'),
};

/** A Quantity of bytes: Kubernetes writes base 1024 as Ki, Mi … */
function quantity(bytes: number): string {
  return sized(bytes, ['', 'Ki', 'Mi', 'Gi', 'Ti']);
}

interface Part {
  about: string[];
  pod: Record<string, unknown>;
  range?: Record<string, unknown>;
  cannot: Cannot[];
}

function documents(subject: Subject, target: Target): Part {
  const { said, notes, cannot } = translate(subject, WORDS);
  const name = nameFor(subject, target, LABEL);
  const limits = Object.assign({}, ...said.map((each) => each.limits ?? {}));
  const requests = Object.assign({}, ...said.map((each) => each.requests ?? {}));
  const service = serviceOf(subject, target);
  const resources = {
    ...(isEmpty(limits) ? {} : { limits }),
    ...(isEmpty(requests) ? {} : { requests }),
  };
  const hint =
    'what requests does not name is requested as large as its limit, and kept free on a node';
  return {
    about: aboutProfile(subject, { notes: [...notes, ...service.notes, hint], cannot }),
    pod: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: {
        restartPolicy: service.restarts ? 'Always' : 'Never',
        ...Object.assign({}, ...said.map((each) => each.pod ?? {})),
        containers: [{ name, ...container(subject, service), resources }],
      },
    },
    ...(isEmpty(limits)
      ? {}
      : {
          range: {
            apiVersion: 'v1',
            kind: 'LimitRange',
            metadata: { name },
            spec: { limits: [{ type: 'Container', max: limits, default: limits }] },
          },
        }),
    cannot,
  };
}

function container(
  { limits }: Subject,
  { image, health, harden }: ReturnType<typeof serviceOf>,
): Record<string, unknown> {
  const environment = Object.entries(limits.environment);
  return {
    image,
    ...(environment.length === 0
      ? {}
      : { env: environment.map(([name, value]) => ({ name, value: unexpanded(value) })) }),
    ...(harden
      ? {
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        }
      : {}),
    ...(health === undefined ? {} : { livenessProbe: probe(health) }),
  };
}

function probe(command: string): Record<string, unknown> {
  return {
    exec: { command: ['sh', '-c', command] },
    initialDelaySeconds: HEALTH.startPeriod,
    periodSeconds: HEALTH.interval,
    timeoutSeconds: HEALTH.timeout,
    failureThreshold: HEALTH.retries,
  };
}

/** Kubernetes puts other variables in place of `$(NAME)`. */
function unexpanded(value: string): string {
  return value.replaceAll('$(', '$$$$(');
}

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0;
}
