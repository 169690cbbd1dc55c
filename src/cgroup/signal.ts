/** Sends signals; another one in tests. */
type Kill = (pid: number, signal: NodeJS.Signals) => unknown;

/**
 * Sends a process a signal.
 * @returns whether it got it: one that has ended (ESRCH) or changed its user (EPERM) does not
 * @throws {Error} the system's own, for anything else
 */
export function sendSignal(pid: number, signal: NodeJS.Signals, kill: Kill): boolean {
  try {
    kill(pid, signal);
    return true;
  } catch (error) {
    if (['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}
