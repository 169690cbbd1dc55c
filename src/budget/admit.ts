/**
 * Admission to the budget, on the way of `run`: where there is no budget, as for most, it must cost
 * next to nothing.
 */
import type { AdmissionRequest } from './applicant.js';
import { memoryBudget } from './limit.js';
import { countsAgainst, type Surroundings, surroundings } from './slice.js';

export interface AdmissionOptions extends Partial<Surroundings> {
  /** Milliseconds between two looks: nothing tells when a scope has become empty. */
  pollMs?: number;
}

/**
 * Lets a run take its part of the budget. Without a budget, and for a run that does not live under
 * it (another slice or launcher, or inside another run), there is nothing to do.
 * @returns whether the record was written, as the reservation: `run` removes it at the end
 * @throws {BudgetError} when there is no room, with who holds what
 * @throws {CannotRunError} when the lock cannot be had
 */
export async function admit(
  request: AdmissionRequest,
  { pollMs = 1500, ...options }: AdmissionOptions = {},
): Promise<boolean> {
  const { record } = request;
  const places = surroundings(options);
  const { directory } = places;
  if (directory === undefined || record.within !== undefined || !countsAgainst(record))
    return false;
  if (memoryBudget(places) === undefined) return false;
  const { takePart } = await import('./applicant.js');
  await takePart(request, { ...places, directory }, pollMs);
  return true;
}
