import type { JobAdvice, JobBound, JobModel, Machine } from '../model/index.js';
import { formatPercent, roughBytes } from '../quantity/index.js';

/** The range for jobs with workers of their own, in hundredths of a percent of the cores. */
const USUAL_RANGE = { low: 1000, high: 2500 };

/** The memory that all jobs have together. */
export interface JobMemory {
  bytes: number;
  /** Where that figure is from, as a sentence names it: `MemoryMax=150G`. */
  name: string;
}

/** Fewer parallel jobs than this the cores alone never ask for. */
const LEAST_LOW = 2;

/**
 * Recommends a number of parallel jobs. The cores give a range; memory bounds it, counted at the
 * lower figure of one job; one number is picked by the profile.
 * @param memory what the jobs have together
 */
export function adviseJobs(
  model: JobModel,
  machine: Pick<Machine, 'cores'>,
  memory: JobMemory,
): JobAdvice {
  const wanted = model.range ? shareRange(model.range, machine) : usualRange(machine);
  const fit = Math.floor(memory.bytes / model.memory.low);
  const bounded = (jobs: number) => Math.max(1, Math.min(jobs, fit));
  const low = bounded(wanted.low);
  const high = bounded(wanted.high);
  const pick = bounded(pickFrom(model, { low, high }));
  const bound = boundOf(model, wanted, fit);
  const figures = { wanted, fit, memory, cores: machine.cores };
  return {
    low,
    high,
    pick,
    bound,
    reason: reasonFor(bound, model, figures),
    notes: heavyNotes(model, { pick, high }, memory),
  };
}

/** 10 % of the cores rounded up and at least 2; 25 % rounded down to an even number. */
function usualRange({ cores }: Pick<Machine, 'cores'>): Range {
  const low = Math.max(LEAST_LOW, Math.ceil((cores * USUAL_RANGE.low) / 10_000));
  const quarter = Math.floor((cores * USUAL_RANGE.high) / 10_000);
  return { low, high: Math.max(low, quarter - (quarter % 2)) };
}

/** Shares rounded down to whole jobs. */
function shareRange(range: Range, { cores }: Pick<Machine, 'cores'>): Range {
  const low = Math.max(1, Math.floor((cores * range.low) / 10_000));
  return { low, high: Math.max(low, Math.floor((cores * range.high) / 10_000)) };
}

interface Range {
  low: number;
  high: number;
}

interface Figures {
  wanted: Range;
  fit: number;
  memory: JobMemory;
  cores: number;
}

function pickFrom({ pick }: JobModel, { low, high }: Range): number {
  if (typeof pick === 'number') return pick;
  if (pick === 'high') return high;
  return pick === 'low' ? low : Math.ceil(low / 2);
}

/** What kept the pick from being higher. */
function boundOf({ pick }: JobModel, wanted: Range, fit: number): JobBound {
  if (fit < 1) return 'minimum';
  const asked = typeof pick === 'number' ? pick : pick === 'high' ? wanted.high : wanted.low;
  if (fit < asked) return 'memory';
  return typeof pick === 'number' ? 'fixed' : 'cores';
}

function reasonFor(bound: JobBound, model: JobModel, figures: Figures): string {
  const size = roughBytes(model.memory.low);
  const memory = figures.memory.name;
  switch (bound) {
    case 'fixed':
      return `The profile says how many, whatever the machine; ${memory} holds ${jobs(figures.fit)} of ${size}.`;
    case 'minimum':
      return `Memory decides: ${memory} is less than the ${size} that one job takes, and fewer than one there cannot be.`;
    case 'memory':
      return `Memory decides: ${memory} holds ${jobs(figures.fit)} of ${size}. ${coresSentence(model, figures)}`;
    case 'cores':
      return `The cores decide: ${coresSentence(model, figures)} ${memory} would hold ${jobs(figures.fit)} of ${size}.`;
  }
}

function coresSentence({ range = USUAL_RANGE }: JobModel, { wanted, cores }: Figures): string {
  const shares =
    range.low === range.high
      ? formatPercent(range.low)
      : `${formatPercent(range.low)} to ${formatPercent(range.high)}`;
  const numbers =
    wanted.low === wanted.high ? jobs(wanted.low) : `${wanted.low} to ${jobs(wanted.high)}`;
  return `${shares} of ${cores} ${cores === 1 ? 'core' : 'cores'} gives ${numbers}.`;
}

/** Where the jobs would not fit if all of them were heavy ones. */
function heavyNotes(
  model: JobModel,
  { pick, high }: { pick: number; high: number },
  memory: JobMemory,
): string[] {
  const heavy = model.memory.high;
  if (heavy === model.memory.low) return [];
  const tooMany = [pick, high].find((count) => count * heavy > memory.bytes);
  if (tooMany === undefined) return [];
  const fit = Math.floor(memory.bytes / heavy);
  if (fit < 1) {
    return [
      `A heavy job alone would want ${roughBytes(heavy)}, more than ${memory.name}: it would be ` +
        'killed however few run beside it.',
    ];
  }
  return [
    `${jobs(tooMany)} of ${roughBytes(heavy)} would want ${roughBytes(tooMany * heavy)}, more than ` +
      `${memory.name}: where all are that heavy, ${jobs(fit)} ${fit === 1 ? 'is' : 'are'} enough.`,
  ];
}

function jobs(count: number): string {
  return count === 1 ? '1 job' : `${count} jobs`;
}
