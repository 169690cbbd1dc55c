/** Work that must tidy up before a signal ends it. */

const DEADLY = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/**
 * Does work that a signal ends early: it is told so, tidies up, and then we die of that signal, as
 * its sender expects.
 * @param work is to end soon after its signal is aborted, by throwing
 */
export async function withSignals<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let death: NodeJS.Signals | undefined;
  const die = (signal: NodeJS.Signals) => {
    death ??= signal;
    controller.abort();
  };
  for (const signal of DEADLY) process.on(signal, die);
  try {
    return await work(controller.signal);
  } finally {
    for (const signal of DEADLY) process.off(signal, die);
    if (death !== undefined) process.kill(process.pid, death);
  }
}
