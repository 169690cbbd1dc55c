import { TUNED } from './constants.js';
import { needs, type Outlook, type Prospect } from './outlook.js';
import { type Guess, NOTHING, plus, upTo } from './sizes.js';

/** Who is to stand still, and who may go on. */
export interface Turn {
  freeze: Prospect[];
  thaw: Prospect[];
}

/** What is to happen to the jobs that run. At least one is awake after it. */
export function takeTurns(outlook: Outlook): Turn {
  const awake = outlook.jobs.filter(({ frozen }) => !frozen);
  const frozen = outlook.jobs.filter((job) => job.frozen);
  const first = awake[0];
  if (!first) return { freeze: [], thaw: frozen.slice(0, 1) };
  const freeze = awake.length > 1 ? toFreeze(outlook, awake, first) : [];
  if (freeze.length > 0 || frozen.length === 0) return { freeze, thaw: [] };
  const thaw = toThaw(outlook, awake, frozen);
  if (thaw.length > 0 || awake.length > 1) return { freeze: [], thaw };
  return swap(outlook, first, frozen);
}

function toFreeze(outlook: Outlook, awake: Prospect[], first: Prospect): Prospect[] {
  const { near, ceiling } = outlook;
  // Those that stand still keep what they have: one has to come to its end beside them.
  const nearest = awake.reduce((a, b) => (b.most < a.most ? b : a));
  const full = near + nearest.most > ceiling * TUNED.freezeTo;
  const danger = full || near > ceiling * TUNED.freezeAt;
  const victims = new Set(
    danger ? beyond(outlook, awake, TUNED.freezeTo, TUNED.freezeDeviations) : [],
  );
  if (full) for (const job of awake) victims.add(job);
  const last = awake.at(-1);
  if (last && near > ceiling * TUNED.lastAt && victims.size === 0) victims.add(last);
  // One that has only begun has no memory to lose: better now than when it is large.
  for (const job of beyond(outlook, awake, TUNED.giveTo, outlook.reserve)) {
    if (job.newborn) victims.add(job);
  }
  victims.delete(full ? nearest : first);
  return [...victims];
}

/** The jobs that do not fit with those before them. */
function beyond(
  { used, ceiling }: Outlook,
  jobs: Prospect[],
  part: number,
  deviations: number,
): Prospect[] {
  let sum: Guess = NOTHING;
  const at = jobs.findIndex(({ need }, index) => {
    sum = plus(sum, need);
    return index > 0 && used + upTo(sum, deviations) > ceiling * part;
  });
  return at === -1 ? [] : jobs.slice(at);
}

function toThaw(outlook: Outlook, awake: Prospect[], frozen: Prospect[]): Prospect[] {
  const { used, ceiling } = outlook;
  if (used > ceiling * TUNED.freezeAt) return [];
  let sum = needs(awake);
  const thaw: Prospect[] = [];
  for (const job of frozen) {
    sum = plus(sum, job.need);
    if (used + upTo(sum, outlook.reserve) > ceiling * TUNED.thawTo) break;
    thaw.push(job);
  }
  return thaw;
}

/** The last awake job may not fit beside the frozen ones, where one of them would. */
function swap({ near, used, ceiling }: Outlook, last: Prospect, frozen: Prospect[]): Turn {
  const none = { freeze: [], thaw: [] };
  const full = ceiling * TUNED.freezeTo;
  const best = frozen.reduce((a, b) => (b.most < a.most ? b : a));
  if (near + last.most <= full) return none;
  const better = best.most < last.most * TUNED.swapAt;
  const fits = used + best.most <= full;
  return better && (fits || last.newborn || last.memory < best.memory / 2)
    ? { freeze: [last], thaw: [best] }
    : none;
}

/**
 * The job to end where even the last awake one cannot come to its end beside the frozen ones: the
 * youngest of those. Never the last one.
 */
export function toKill({ jobs, near, ceiling }: Outlook, turn: Turn): Prospect | undefined {
  if (near <= ceiling * TUNED.killAt || turn.freeze.length > 0 || turn.thaw.length > 0)
    return undefined;
  const awake = jobs.filter(({ frozen }) => !frozen);
  const frozen = jobs.filter((job) => job.frozen);
  if (awake.length !== 1 || frozen.length === 0) return undefined;
  return frozen.reduce((young, job) => (job.ageMs < young.ageMs ? job : young));
}
