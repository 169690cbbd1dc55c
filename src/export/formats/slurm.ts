/** A batch script for Slurm: the header of sbatch, and the srun line (sbatch(1), srun(1)). */
import { parseSpan } from '../../quantity/index.js';
import { aboutProfile, header } from '../comment.js';
import { CONTAINER_NAME, nameFor } from '../names.js';
import { bytesOf, milliCoresOf } from '../scales.js';
import { type Dictionary, never, translate, withoutFilter, withoutOomd } from '../translate.js';
import type { Cannot, Format, Subject } from '../types.js';
import { shellWord } from './words.js';

export const slurm: Format = {
  summary: 'a batch script for sbatch, with the srun line',
  many: false,
  uses: ['name'],
  write: ([subject], target) => {
    if (subject === undefined) return { text: '', cannot: [] };
    const { options, notes, cannot } = slurmOptions(subject);
    const name = nameFor(subject, target, CONTAINER_NAME);
    const text = [
      '#!/bin/bash',
      ...header('slurm', [subject], target.machine, [
        'Submitted with: sbatch THIS-FILE COMMAND ARGUMENTS',
        `At a prompt: srun ${options.join(' ')} COMMAND ARGUMENTS`,
        'That the limits hold is up to the cluster: ConstrainRAMSpace and ConstrainCores in cgroup.conf.',
      ]),
      ...aboutProfile(subject, { notes, cannot }),
      `#SBATCH --job-name=${name}`,
      ...options.map((option) => `#SBATCH ${option}`),
      ...Object.entries(subject.limits.environment).map(
        ([variable, value]) => `export ${variable}=${shellWord(value)}`,
      ),
      // srun takes the processors of a step from the job only where it is told (Slurm 22.05).
      'exec srun --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" -- "$@"',
    ];
    return { text: `${text.join('\n')}\n`, cannot };
  },
};

/** What a job of the profile is submitted with, by sbatch, srun or salloc. */
export interface SlurmOptions {
  options: string[];
  /** Whole sentences on what became of a value. */
  notes: string[];
  cannot: Cannot[];
}

/** A profile in the options of Slurm: one task, with its memory, CPUs and time. */
export function slurmOptions(subject: Subject): SlurmOptions {
  const { said, notes, cannot } = translate(subject, WORDS);
  return { options: ['--ntasks=1', ...said], notes, cannot };
}

/** Whole CPUs for a quota. */
export function slurmCpus(quota: string): number {
  return Math.ceil(milliCoresOf(quota) / 1000);
}

const SITE = 'it is set for a whole cluster (cgroup.conf)';

const WORDS: Dictionary<string> = {
  MemoryMax: (value) => {
    const bytes = bytesOf(value);
    // --mem=0 is all memory of a node.
    if (bytes === undefined) return { say: '--mem=0', note: 'all memory of the node' };
    return { say: `--mem=${memory(bytes)}` };
  },
  MemoryLow: never('Slurm protects no memory'),
  MemoryMin: never('Slurm protects no memory'),
  MemoryHigh: (value) =>
    value === 'infinity'
      ? { already: 'Slurm slows nothing down below the limit' }
      : { cannot: `${SITE}, in percent of --mem (MemoryHigh is not an option of jobs)` },
  MemorySwapMax: never(`${SITE}: ConstrainSwapSpace, AllowedSwapSpace`),
  MemoryZSwapMax: never('Slurm knows nothing of zswap'),
  CPUQuota: (value) => {
    const cores = slurmCpus(value);
    const say = `--cpus-per-task=${cores}`;
    return milliCoresOf(value) % 1000 === 0
      ? { say }
      : { say, note: `Slurm gives whole CPUs only, so ${cores} of them` };
  },
  CPUQuotaPeriodSec: never('Slurm gives CPUs, not time of them'),
  CPUWeight: (value) =>
    value === '100'
      ? { already: 'it is everybody’s default' }
      : { cannot: 'Slurm gives CPUs to one job each, so there is nothing to weigh' },
  AllowedCPUs: never('Slurm chooses the CPUs of a job itself'),
  AllowedMemoryNodes: never('Slurm chooses the memory nodes itself (--mem-bind=local)'),
  IOWeight: never('Slurm has no limits for disks'),
  IODeviceWeight: never('Slurm has no limits for disks'),
  IOReadBandwidthMax: never('Slurm has no limits for disks'),
  IOWriteBandwidthMax: never('Slurm has no limits for disks'),
  IOReadIOPSMax: never('Slurm has no limits for disks'),
  IOWriteIOPSMax: never('Slurm has no limits for disks'),
  TasksMax: never('Slurm does not count processes; its tasks are something else'),
  OOMPolicy: never(
    '--oom-kill-step says it, but only from Slurm 24.05 on, and earlier ones refuse it',
  ),
  RuntimeMaxSec: (value) => {
    const span = parseSpan(value);
    if (span === 'infinity') return { say: '--time=UNLIMITED' };
    const seconds = Math.max(1, Math.round(span / 1_000_000));
    const say = `--time=${time(seconds)}`;
    return seconds % 60 === 0 ? { say } : { say, note: 'Slurm counts whole minutes, rounded up' };
  },
  ...withoutFilter('Slurm filters no addresses'),
  ...withoutOomd('is not what guards a cluster’s jobs'),
};

/** Whole K, M or G, rounded down; a bare number would be MB. */
function memory(bytes: number): string {
  const kibi = Math.max(1, Math.floor(bytes / 1024));
  if (kibi % 1024 ** 2 === 0) return `${kibi / 1024 ** 2}G`;
  return kibi % 1024 === 0 ? `${kibi / 1024}M` : `${kibi}K`;
}

/** `days-hours:minutes:seconds`. */
function time(seconds: number): string {
  const two = (part: number) => String(part).padStart(2, '0');
  const [days, rest] = [Math.floor(seconds / 86_400), seconds % 86_400];
  const clock = [Math.floor(rest / 3600), Math.floor((rest % 3600) / 60), rest % 60].map(two);
  return `${days}-${clock.join(':')}`;
}
