/** Why a run may not start, in words. */
import { BudgetError } from '../errors/index.js';
import type { Amount, BudgetHolder, BudgetState, BudgetWaiter } from '../model/index.js';
import { formatBytes, formatSpan, MiB, roughBytes } from '../quantity/index.js';
import { printable } from '../text/safe.js';
import { shellLine, shellQuote } from '../text/shell.js';
import type { Decision } from './decide.js';

/** @param now milliseconds since the epoch */
export function refusal(
  decision: Extract<Decision, { admitted: false }>,
  wants: Amount,
  budget: BudgetState,
  now: number,
): BudgetError {
  const { message, why, remedy } = wordsFor[decision.why](wants, budget, now);
  return new BudgetError(message, { why, remedy }, { wants, budget });
}

interface Words {
  message: string;
  why: string;
  remedy: string;
}

const wordsFor: Record<
  Extract<Decision, { admitted: false }>['why'],
  (wants: Amount, budget: BudgetState, now: number) => Words
> = {
  never: (wants, { memoryMax }) => ({
    message: `the run is larger than the whole budget: it wants ${wanted(wants)} of ${roughBytes(memoryMax)}`,
    why: 'There will never be room for it, so waiting would not help.',
    remedy: `a smaller run: -p MemoryMax=${wholeMebibytes(memoryMax)}; or a larger budget: rlimit budget set`,
  }),
  'no-room': (wants, budget, now) => ({
    message: `the budget has no room for the run: it wants ${wanted(wants)}, and ${rest(budget)} free`,
    why: whoHas(budget, now),
    remedy: [
      'wait for room: --wait',
      ...(budget.free >= LEAST ? [`want less: -p MemoryMax=${wholeMebibytes(budget.free)}`] : []),
      ...endOne(budget.holders),
      'see it all: rlimit budget',
    ].join('; or '),
  }),
  'in-line': (wants, budget, now) => ({
    message: `others wait for the budget: the run wants ${wanted(wants)}, and ${rest(budget)} free, but it is not its turn`,
    why: whoHas(budget, now),
    remedy: 'wait as well: --wait; or see it all: rlimit budget',
  }),
};

/** The least MemoryMax that `run` takes. */
const LEAST = 16 * MiB;

function wanted(wants: Amount): string {
  return wants === 'infinity' ? 'all (it has no MemoryMax)' : roughBytes(wants);
}

function rest({ free, memoryMax }: BudgetState): string {
  return `${roughBytes(free)} of ${roughBytes(memoryMax)} are`;
}

/** A size to type, never more than there is. */
function wholeMebibytes(bytes: number): string {
  return formatBytes(Math.floor(bytes / MiB) * MiB);
}

function whoHas({ holders, waiting }: BudgetState, now: number): string {
  const lines = [
    ...holders.map((holder) => holderLine(holder, now)),
    ...waiting.map((waiter) => waiterLine(waiter, now)),
  ];
  const shown = lines.slice(0, MOST_LINES);
  const more = lines.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
}

const MOST_LINES = 8;

function holderLine({ unit, promise, command, since }: BudgetHolder, now: number): string {
  const holds = promise === 'infinity' ? 'all' : roughBytes(promise);
  return `${printable(unit)} holds ${holds} for ${age(since, now)} now: ${brief(command)}`;
}

function waiterLine({ place, unit, wants, command, since }: BudgetWaiter, now: number): string {
  const where = place === undefined ? 'stopped' : `place ${place}`;
  return `${printable(unit)} waits for ${wanted(wants)} (${where}) for ${age(since, now)} now: ${brief(command)}`;
}

/** Whole seconds, in systemd's syntax. The clock may have been set back since. */
function age(since: number, now: number): string {
  const seconds = Math.max(0, Math.floor((now - since) / 1000));
  // Beyond an hour nobody asks for seconds.
  const rounded = seconds >= 3600 ? seconds - (seconds % 60) : seconds;
  return rounded === 0 ? '0s' : formatSpan(rounded * 1_000_000);
}

/** Enough of a command to know it again. */
function brief(command: readonly string[]): string {
  const line = printable(shellLine(command));
  return line.length > 40 ? `${line.slice(0, 39)}…` : line;
}

function endOne([first]: readonly BudgetHolder[]): string[] {
  return first === undefined ? [] : [`end one: rlimit kill ${shellQuote(first.unit)}`];
}
