import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Calls again and again, at even distances on a clock that nobody sets; one that was missed is left
 * out. Ends soon after the signal.
 */
export async function repeatedly(
  call: () => void,
  { intervalMs, signal, clock }: { intervalMs: number; signal: AbortSignal; clock: () => number },
): Promise<void> {
  let dueMs = clock();
  while (!signal.aborted) {
    call();
    dueMs = Math.max(dueMs + intervalMs, clock());
    await pause(dueMs - clock(), signal);
  }
}

/** Milliseconds, or until the signal. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await sleep(Math.max(0, ms), undefined, signal === undefined ? {} : { signal }).catch(() => {});
}
