/** What earlier runs recommend: a number of jobs, MemoryMax, CPUQuota. Plain data in and out. */
import type { JobAdvice } from '../model/index.js';
import { formatCpuQuota, GiB, MiB, ONE_CORE, roughBytes } from '../quantity/index.js';
import type { CpuUse, Evidence } from './evidence.js';
import type { JobMemoryFigures } from './job-memory.js';

/** What decided a value. */
export type LearnedBound =
  /** So many jobs of the size that was seen fit into memory, or need so much of it. */
  | 'memory'
  /** A run was killed, so the jobs are larger than what was seen of them. */
  | 'killed'
  /** More jobs would not be computed faster: so many fill the CPUQuota, or use so much of it. */
  | 'cpu'
  /** No run has tried more. */
  | 'tried'
  /** The table's share of the cores, which no run has gone beyond. */
  | 'cores'
  /** The profile says a number itself, or a limit is all it may have. */
  | 'profile'
  /** A single job does not fit, and fewer there cannot be. */
  | 'minimum'
  /** Too little was seen: the profile's job model, or the limit it has now. */
  | 'model';

/** One recommended value. `value` is absent where there is no limit now and none is needed. */
export interface Advice<T> {
  value: T;
  bound: LearnedBound;
  /** One or two sentences: the bound with its figures. */
  reason: string;
}

/** The recommendation of the history. */
export interface Learned {
  jobs: Advice<number>;
  /** In bytes. */
  memoryMax: Advice<number | undefined>;
  /** In µs of CPU time per second: 1000000 is one core. */
  cpuQuota: Advice<number | undefined>;
}

/** What is fixed before the history is asked. Memory in bytes, quotas in µs per second. */
export interface Ground {
  /** The recommendation of the table, which counts while too little was seen. */
  table: JobAdvice;
  /** What the table picks by the cores alone, without earlier recommendations: it may be tried. */
  start: number;
  /** The high end of the range by the cores alone. */
  high: number;
  /** The most memory that the jobs may have together: the profile's share, or the machine. */
  share: { bytes: number; name: string };
  memoryMax?: number;
  /** MemoryMax may not be below it. */
  memoryHigh?: number;
  cpuQuota?: number;
  /** The CPUQuota of a machine that nobody else uses. */
  generousQuota: number;
  cores: number;
  /** A number of jobs that somebody wrote into the profile: more is never recommended. */
  fixed?: number;
}

/** Beside its jobs a build needs memory for its build tool and for the files it reads. */
export const HEADROOM = 1.25;

/** Peaks are sampled, so that a run had a little more than was seen. */
const MORE = 17 / 16;

/** No less than this is proposed, whatever the jobs need. */
const LEAST_MEMORY_MAX = 64 * MiB;

/** Periods cut short by the quota, as a part of all, from which on it holds a build back. */
export const THROTTLED = 0.1;

/** Recommends from what was seen, and from the table where that is too little. */
export function learn(evidence: Evidence, ground: Ground): Learned {
  const quota = cpuQuotaFrom(evidence, ground);
  const jobs = jobsFrom(evidence, ground, quota.value);
  return { jobs, memoryMax: memoryMaxFrom(evidence, ground, jobs.value), cpuQuota: quota };
}

/**
 * Memory that so many jobs want together: the largest that was seen, and beside it jobs of the high
 * quantile, each with its part of what the build needs besides. In bytes.
 */
export function memoryFor(jobs: number, { high, max }: JobMemoryFigures): number {
  return (max + (jobs - 1) * high) * HEADROOM;
}

/** How many jobs fit into so many bytes, counted like that; 0 where not even one does. */
export function jobsWithin(bytes: number, { high, max }: JobMemoryFigures): number {
  const room = bytes / HEADROOM - max;
  return room < 0 ? 0 : 1 + Math.floor(room / high);
}

/** How many jobs fill a quota of µs per second. */
export function jobsFilling(quota: number, perJob: number): number {
  return Math.max(1, Math.floor(quota / ONE_CORE / perJob));
}

function jobsFrom(evidence: Evidence, ground: Ground, quota = ground.cores * ONE_CORE) {
  const { perJob, cpu, isEnough, tried } = evidence;
  const { table, start, share, fixed } = ground;
  if (perJob === undefined || !(isEnough || perJob.isFromKill)) {
    return { value: table.pick, bound: 'model' as const, reason: table.reason };
  }
  const fit = jobsWithin(share.bytes, perJob);
  const memory = perJob.isFromKill ? ('killed' as const) : ('memory' as const);
  const bounds: [LearnedBound, number][] = [[memory, fit]];
  if (isEnough && cpu?.perJob) bounds.push(['cpu', jobsFilling(quota, cpu.perJob)]);
  if (!isEnough) bounds.push(['model', table.pick]);
  else if (fixed !== undefined) bounds.push(['profile', fixed]);
  else bounds.push(tried >= start ? ['tried', tried] : ['cores', start]);
  const [bound, least] = bounds.reduce((a, b) => (b[1] < a[1] ? b : a));
  const value = Math.max(1, least);
  const decided = least < 1 ? 'minimum' : bound;
  return {
    value,
    bound: decided,
    reason: reasonForJobs(decided, evidence, ground, { fit, quota }),
  };
}

function reasonForJobs(
  bound: LearnedBound,
  { perJob, cpu, tried }: Evidence,
  { table, share, fixed }: Ground,
  { fit, quota }: { fit: number; quota: number },
): string {
  const { high = 0, max = 0 } = perJob ?? {};
  const holds =
    `${share.name} holds ${jobsOf(fit)}: the largest took ${seenBytes(max)}, 95% no more than ` +
    `${seenBytes(high)}, and a fifth is kept for everything else.`;
  switch (bound) {
    case 'memory':
      return `Memory decides: ${holds}`;
    case 'killed':
      return `A killed run decides: a job needs more than ${seenBytes(high)}, so ${share.name} holds ${jobsOf(fit)}.`;
    case 'minimum':
      return `One job alone may take ${seenBytes(max)}: too much for ${share.name}, and fewer than one there cannot be.`;
    case 'cpu':
      return (
        `CPU time decides: a job keeps ${coresOf(cpu?.perJob ?? 0)} busy, so that more do not ` +
        `end sooner with ${coresOf(quota / ONE_CORE)}. ${holds}`
      );
    case 'profile':
      return `The profile says ${jobsOf(fixed ?? 0)}, whatever was seen. ${holds}`;
    case 'tried':
      return `No run had more than ${jobsOf(tried)} at a time. ${holds}`;
    case 'cores':
      return `The cores decide, as without runs, since none had more at a time. ${holds}`;
    case 'model':
      return table.reason;
  }
}

function memoryMaxFrom(
  evidence: Evidence,
  ground: Ground,
  jobs: number,
): Advice<number | undefined> {
  const { perJob, isEnough } = evidence;
  const { share, memoryMax: now, memoryHigh = 0 } = ground;
  if (perJob === undefined || !isEnough) {
    const reason = 'Too little was seen of its jobs; the limit stays as it is.';
    return { value: now, bound: 'model', reason };
  }
  const need = memoryFor(jobs, perJob);
  const peak = seenNeed(evidence, jobs);
  const wanted = roundUp(Math.max(need, peak, memoryHigh, LEAST_MEMORY_MAX));
  if (wanted >= share.bytes) {
    const short = need > share.bytes || peak > share.bytes;
    return {
      value: share.bytes,
      bound: 'profile',
      reason: short
        ? `${jobsOf(jobs)} may want ${seenBytes(Math.max(need, peak))}: more than ${share.name}, which is all they may have.`
        : `${jobsOf(jobs)} may want all of ${share.name}.`,
    };
  }
  const { high, max, isFromKill } = perJob;
  const sizes =
    jobs === 1
      ? `The largest job took ${seenBytes(max)}`
      : `The largest job (${seenBytes(max)}) and ${jobsOf(jobs - 1)} of ${seenBytes(high)}`;
  const reason =
    peak > need
      ? `A run of no more jobs had ${seenBytes(peak / MORE)}, and may have had more.`
      : `${sizes}, and a quarter more for everything else.`;
  if (now !== undefined && wanted <= now && wanted > now * 0.9) {
    return { value: now, bound: 'memory', reason: `${reason} What it has is close to that.` };
  }
  return { value: wanted, bound: isFromKill && peak <= need ? 'killed' : 'memory', reason };
}

/** The most that runs of no more jobs were seen to need, and a sixteenth above it. In bytes. */
function seenNeed({ peaks, perJob }: Evidence, jobs: number): number {
  const fitting = peaks.filter((peak) => peak.jobs <= jobs).map(({ bytes }) => bytes);
  return Math.max(perJob?.max ?? 0, ...fitting) * MORE;
}

/** Rounded up to five binary digits, and to whole MiB: 5.3G is 5.5G. */
function roundUp(bytes: number): number {
  const step = Math.max(MiB, 2 ** (Math.floor(Math.log2(bytes)) - 4));
  return Math.ceil(bytes / step) * step;
}

function cpuQuotaFrom(
  { cpu, isEnough }: Evidence,
  { cpuQuota: now, generousQuota }: Ground,
): Advice<number | undefined> {
  if (now === undefined) {
    const reason = 'There is none, and CPU time is shared with the others by weight.';
    return { value: undefined, bound: 'profile', reason };
  }
  if (cpu === undefined || !isEnough) {
    const reason = 'Too little was seen of its CPU use; the limit stays as it is.';
    return { value: now, bound: 'model', reason };
  }
  const use = cpuSentence(cpu, now);
  if ((cpu.throttled ?? 0) < THROTTLED) {
    return { value: now, bound: 'cpu', reason: use };
  }
  const wanted = Math.ceil(cpu.cores * HEADROOM) * ONE_CORE;
  const value = Math.min(generousQuota, Math.max(wanted, now + ONE_CORE));
  if (value <= now) {
    return { value: now, bound: 'profile', reason: `${use} The machine has no more to give.` };
  }
  return { value, bound: 'cpu', reason: use };
}

/** `A run keeps 3.2 of 27 cores busy (12%), and the quota holds it back in 4% of its periods.` */
export function cpuSentence({ cores, throttled = 0 }: CpuUse, quota: number): string {
  const part = `${Math.round((cores / (quota / ONE_CORE)) * 100)}%`;
  const held =
    throttled < 0.005
      ? ', and is not held back'
      : `, and CPUQuota=${formatCpuQuota(quota)} holds it back in ${Math.round(throttled * 100)}% of its periods`;
  return `A run keeps ${figure(cores)} of ${coresOf(quota / ONE_CORE)} busy (${part})${held}.`;
}

/** A size that was seen, no more exact than seeing is: 362M, 1.9G. */
export function seenBytes(bytes: number): string {
  const step = bytes < GiB ? MiB : GiB / 10;
  return roughBytes(Math.round(bytes / step) * step);
}

function jobsOf(count: number): string {
  return count === 1 ? '1 job' : `${count} jobs`;
}

function coresOf(value: number): string {
  return figure(value) === '1' ? '1 core' : `${figure(value)} cores`;
}

function figure(value: number): string {
  return String(Number(value.toFixed(1)));
}
