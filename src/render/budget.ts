/**
 * What `run` says of the budget. Plain text and no imports of weight: this is read on the way to
 * every command.
 */
import type { BudgetHolder, BudgetPlace } from '../model/index.js';
import { printable } from '../text/safe.js';
import { humanBytes } from './figures.js';
import { wrap } from './run.js';

/** Said when a run begins to wait, and when its place is another. */
export function renderPlace({ place, wants, budget }: BudgetPlace): string {
  const { memoryMax, holders } = budget;
  const share = wants === 'infinity' ? 'all' : humanBytes(wants);
  const names = holders.slice(0, MOST_NAMES).map(holderText);
  if (holders.length > names.length) names.push(`${holders.length - names.length} more`);
  const held = names.length === 0 ? '' : `; held by ${names.join(', ')}`;
  return wrap(`rlimit: waiting for ${share} of ${humanBytes(memoryMax)}: place ${place}${held}`);
}

/** The line tells what to look for; `rlimit budget` tells all. */
const MOST_NAMES = 4;

function holderText({ unit, promise }: BudgetHolder): string {
  return `${printable(unit)} ${promise === 'infinity' ? 'all' : humanBytes(promise)}`;
}
