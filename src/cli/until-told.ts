/** Work that goes on until a signal, or the end of its reader, tells it to end. */

/** What the terminal needs around a stop (Ctrl-Z) and at the end. */
export interface Stoppable {
  close(): void;
  pause?(): void;
  resume?(): void;
}

/** Signals that ask for an end; after a clean-up we die of them, as the sender expects. */
const DEADLY = ['SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/**
 * Does work until it is done, Ctrl-C, or nobody reads stdout any more: all of these are a good end.
 * The display is closed on every way out, also that of another signal or of an error.
 * @param work is to end soon after its signal is aborted
 */
export async function untilTold(
  display: Stoppable,
  work: (signal: AbortSignal) => Promise<void>,
  stdout: NodeJS.WritableStream = process.stdout,
): Promise<void> {
  const controller = new AbortController();
  let death: NodeJS.Signals | undefined;
  const end = () => controller.abort();
  const die = (signal: NodeJS.Signals) => {
    death ??= signal;
    end();
  };
  const close = () => display.close();
  const stop = () => stopOurselves(display, stop);
  const listeners: [string, (...args: never[]) => void][] = [
    ['SIGINT', end],
    ...DEADLY.map((signal): [string, typeof die] => [signal, die]),
    ['SIGTSTP', stop],
    // Of an error that nobody caught, too.
    ['exit', close],
  ];
  for (const [event, listener] of listeners) process.on(event, listener as () => void);
  // EPIPE: `rlimit inspect --watch | head`; EIO: the terminal is gone.
  stdout.on('error', end);
  try {
    await work(controller.signal);
  } finally {
    close();
    for (const [event, listener] of listeners) process.off(event, listener as () => void);
  }
  if (death !== undefined) process.kill(process.pid, death);
}

/**
 * Stops as SIGTSTP by itself would, with the terminal as the shell expects it. The kernel ignores
 * that where nobody could continue us (an orphaned process group); then we just go on.
 */
function stopOurselves(display: Stoppable, handler: () => void): void {
  display.pause?.();
  process.off('SIGTSTP', handler);
  process.kill(process.pid, 'SIGTSTP');
  // Here again after SIGCONT.
  setImmediate(() => {
    process.on('SIGTSTP', handler);
    display.resume?.();
  });
}
