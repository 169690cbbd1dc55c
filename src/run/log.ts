import { createWriteStream } from 'node:fs';
import type { Readable, Writable } from 'node:stream';

/**
 * Copies a command's output to the terminal and to a log file. The two streams of the command
 * reach the file in the order in which we get them. When the file cannot be written on (a full
 * disk), the command goes on and `onLoss` is called once.
 * @returns settled when all there is has been written to the file, or was lost
 */
export function copyOutput(
  { stdout, stderr }: { stdout: Readable; stderr: Readable },
  file: string,
  onLoss: (error: Error) => void,
): Promise<void> {
  const log = createWriteStream(file);
  log.once('error', (error) => {
    stdout.unpipe(log);
    stderr.unpipe(log);
    onLoss(error);
  });
  let open = 2;
  for (const [from, to] of [
    [stdout, process.stdout],
    [stderr, process.stderr],
  ] as const) {
    from.pipe(log, { end: false });
    pass(from, to);
    from.once('close', () => {
      open -= 1;
      if (open === 0) log.end();
    });
  }
  return new Promise((resolve) => log.once('close', resolve));
}

/** A reader that went away (`| head`) must reach the command as SIGPIPE, as it would without us. */
function pass(from: Readable, to: Writable): void {
  from.pipe(to, { end: false });
  to.once('error', () => from.destroy());
}
