/**
 * What the policy is tuned by. Found with the simulator of the tests (test/unit/jobserver), which tries
 * them on builds of ten kinds with hundreds of seeds; parts are of the memory ceiling, times in
 * milliseconds.
 */
export const TUNED = {
  /** New jobs get what is expected to stay below this part: the rest is for what was not expected. */
  giveTo: 0.9,
  /**
   * How many deviations above the mean jobs are expected to need. None: one job more than expected is
   * small against the sum, and what goes wrong is caught by freezing.
   */
  giveDeviations: 0,
  /** The same where all tokens go through one FIFO: one that was returned is taken again at once. */
  fifoDeviations: 0.25,
  /** The same for jobs that reach their size before a look can catch them, added by their speed. */
  swiftDeviations: 0.5,
  /** Above this part jobs are frozen: the last that was measured to be in time (0.84). */
  freezeAt: 0.84,
  /** What stays awake is expected to stay below this part, with so many deviations. */
  freezeTo: 0.97,
  freezeDeviations: 1,
  /** Above this part one job is frozen in any case. */
  lastAt: 0.93,
  /** Above this part, with one job awake, a frozen one is killed where the profile says so. */
  killAt: 0.96,
  /** One job with more than this part of all leaves no room for its own tool. */
  tooLargeAt: 0.9,
  /** `some avg10`, in percent: from here on no more jobs, and from there on fewer. */
  pressureHold: 25,
  pressureBack: 60,
  /** Frozen jobs go on when the awake ones with them are expected below this part. */
  thawTo: 0.95,
  /** From a look that sees danger to a job that stands still, with the wait for that look. */
  reactionMs: 75,
  /** How slowly it is forgotten that a look came late, with each look. */
  latenessKept: 0.7,
  /** A frozen job takes the place of the last awake one where it needs this much less. */
  swapAt: 0.7,
  /** A job that is younger, and has less than this part of what is expected, has cost nothing yet. */
  newbornMs: 400,
  newbornPart: 0.3,
  /** Where the worst would not fit, so many jobs may start in so long: the first ones show what comes. */
  pace: 2,
  paceMs: 120,
  /**
   * A job stands still after so long without a step up, after such a part of its time or of the time
   * that jobs usually take, and after so many looks where they are far apart.
   */
  settledMs: 180,
  settledPart: 0.15,
  settledLooks: 2,
  /** Of jobs that stood still, so many grow again, as if seen before the first: 1 of 5. */
  regrewFirst: 1,
  settledFirst: 5,
  /** Looks are at most this far apart, and at least this. */
  lookMostMs: 500,
  lookLeastMs: 40,
  /** And while memory is what holds tokens back, at most this. */
  lookHeldMs: 200,
  /** The part of the time until danger, at the fastest growth seen, after which is looked again. */
  lookPart: 0.5,
  /** Until growth was seen: a job takes what is expected of it in this time. */
  firstGrowthMs: 250,
  /** How fast the fastest growth is forgotten with each job that ends. */
  fastestKept: 0.99,
  /** Peaks that are kept, and how often the last few count again: builds go from one kind to another. */
  peaksKept: 32,
  recent: 6,
  recentTimes: 2,
  /** A first estimate may be wrong by these factors, and counts until so many jobs have ended. */
  firstLow: 0.5,
  firstHigh: 2,
  firstUntil: 4,
  /** The largest thought of first counts longer: the largest of so few is not the largest of all. */
  mostUntil: 12,
  /** A job larger than all before grows on by this part of itself (Lindy), or by what it exceeds them. */
  lindy: 0.5,
  /** So many jobs this much larger than all before are of another kind: then nothing before counts. */
  strangers: 3,
  strangerFrom: 1.2,
};
