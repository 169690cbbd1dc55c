import type { Style } from './clients.js';
import { TUNED } from './constants.js';
import type { Look, SeenJob } from './look.js';
import { type Guess, NOTHING, plus, type Sizes, upTo } from './sizes.js';
import type { Tracks } from './tracks.js';

/** A machine with less than this part of its memory left is as full as a scope at its limit. */
const MACHINE_PART = 0.95;

/** A job with what is expected of it. */
export interface Prospect extends SeenJob {
  /** Bytes it takes yet. */
  need: Guess;
  /** The same, if it gets as large as the largest. */
  most: number;
  /** Has done next to nothing and has next to nothing: to freeze it costs nothing. */
  newborn: boolean;
}

/** What a look means. */
export interface Outlook {
  used: number;
  /** Bytes that must not be reached: the limit, or what the machine has left for this scope. */
  ceiling: number;
  /** Bytes that will be in use before anything decided now takes effect. */
  near: number;
  /** The ones nearest to their full size first: they free the most for the least. */
  jobs: Prospect[];
  /** Deviations above the mean that new jobs are given room for. */
  reserve: number;
}

/** @param style of one FIFO, tokens are taken again before anybody can decide: more in reserve */
export function outlook(
  look: Look,
  ceiling: number,
  sizes: Sizes,
  tracks: Tracks,
  style: Style,
): Outlook {
  const strangers = look.jobs.filter(
    (job) => job.memory > sizes.most * TUNED.strangerFrom && tracks.likelihood(job) === 1,
  ).length;
  const larger = look.jobs.map(({ memory }) => memory).filter((memory) => memory > sizes.most);
  const jobs = look.jobs.map((job) => prospect(job, { larger, strangers }, sizes, tracks));
  const soon = jobs.map((job) => Math.min(job.most, tracks.rate(job) * tracks.reactionMs));
  return {
    used: look.used,
    ceiling,
    near: soon.reduce((sum, grown) => sum + grown, look.used),
    jobs: jobs.sort((a, b) => upTo(a.need, 1) - upTo(b.need, 1) || b.ageMs - a.ageMs),
    reserve: reserve(sizes, tracks, style),
  };
}

function reserve(sizes: Sizes, tracks: Tracks, style: Style): number {
  const plain = style === 'fifo' ? TUNED.fifoDeviations : TUNED.giveDeviations;
  // 0 to 1: how much of a job comes between two looks, where no freezing catches it.
  const swift = (tracks.fastest * tracks.reactionMs) / Math.max(1, sizes.expected);
  return plain + TUNED.swiftDeviations * Math.min(1, swift);
}

/** Bytes that the scope must stay below; infinite where nothing bounds it. */
export function memoryCeiling({ limit, used, available }: Look): number {
  const own = limit === 'infinity' ? Number.POSITIVE_INFINITY : limit;
  return available === undefined ? own : Math.min(own, (used + available) * MACHINE_PART);
}

/** What these jobs take yet, together. */
export function needs(jobs: readonly Prospect[]): Guess {
  return jobs.reduce((sum, { need }) => plus(sum, need), NOTHING);
}

function prospect(
  job: SeenJob,
  { larger, strangers }: { larger: readonly number[]; strangers: number },
  sizes: Sizes,
  tracks: Tracks,
): Prospect {
  const { mean, variance } = sizes.growth(job.memory, larger, strangers);
  const likely = tracks.likelihood(job);
  // Grows by the guess or, having stood still, not at all.
  const spread = likely * variance + likely * (1 - likely) * mean ** 2;
  return {
    ...job,
    need: { mean: mean * likely, variance: spread },
    most: likely < 1 ? mean * likely : Math.max(mean, Math.max(sizes.most, ...larger) - job.memory),
    newborn: job.ageMs < TUNED.newbornMs && job.memory < sizes.expected * TUNED.newbornPart,
  };
}
