import type { Launcher } from './launcher.js';

/** How long a command has to end after its terminal was closed. */
const GRACE_MS = 5000;

/**
 * Ends what a closed terminal leaves: the command was told (SIGHUP), and what of it is still there
 * after a while nobody would ever see again.
 */
export function endAfterHangUp(launcher: Launcher): void {
  // It keeps rlimit waiting, also when the command itself has ended and only left others behind.
  setTimeout(() => {
    if (launcher.isPopulated()) launcher.killAll();
  }, GRACE_MS);
}
