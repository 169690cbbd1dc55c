import { TUNED } from './constants.js';
import { needs, type Outlook } from './outlook.js';
import { plus, type Sizes, upTo } from './sizes.js';

/** How many jobs there may be at one time: at least one, at most `most`. */
export function slots(outlook: Outlook, sizes: Sizes, most: number): number {
  const { jobs, used, ceiling, reserve } = outlook;
  const fits = (need: number) => used + need <= ceiling * TUNED.giveTo;
  let sum = needs(jobs);
  // What came back is not given again until there is room.
  if (!fits(upTo(sum, reserve))) return Math.max(1, Math.min(most, jobs.length - 1));
  let count = jobs.length;
  for (; count < most; count += 1) {
    sum = plus(sum, sizes.next);
    if (!fits(upTo(sum, reserve))) break;
  }
  return Math.max(1, Math.min(most, count, paced(outlook, sizes, count)));
}

/** Where the worst would not fit, a few jobs at a time, so that the first ones show what comes. */
function paced({ jobs, used, ceiling }: Outlook, sizes: Sizes, count: number): number {
  const largest = jobs.reduce((most, { memory }) => Math.max(most, memory), sizes.most);
  const grown = jobs.reduce((sum, { most }) => sum + most, used);
  if (grown + largest * (count - jobs.length) <= ceiling * TUNED.giveTo) return count;
  const young = jobs.filter(({ ageMs }) => ageMs < TUNED.paceMs).length;
  return jobs.length + Math.max(0, TUNED.pace - young);
}
