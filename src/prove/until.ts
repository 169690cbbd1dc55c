import { setTimeout as sleep } from 'node:timers/promises';

export interface UntilOptions {
  timeoutMs: number;
  signal: AbortSignal;
  pollMs?: number;
}

/**
 * Waits until something has come about.
 * @returns whether it did in time
 * @throws the reason of the signal, when that is aborted meanwhile
 */
export async function until(
  happened: () => boolean,
  { timeoutMs, signal, pollMs = 20 }: UntilOptions,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!happened()) {
    if (performance.now() >= deadline) return false;
    await sleep(pollMs, undefined, { signal });
  }
  return true;
}
