/** Follows a file of lines while it grows, as `tail -F` does. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface FollowOptions {
  signal: AbortSignal;
  pollMs?: number;
  /** Read what is there already as well; the end of it is where it begins otherwise. */
  fromStart?: boolean;
}

const CHUNK = 64 * 1024;

/**
 * Gives each line that is appended, also where the file is set aside and begun anew, cut short, taken away
 * or not there yet. Ends when its signal is aborted.
 */
export async function* followLines(
  path: string,
  { signal, pollMs = 500, fromStart = false }: FollowOptions,
): AsyncGenerator<string> {
  let open = openLines(path);
  if (open !== undefined && !fromStart) open.offset = sizeOf(open);
  try {
    while (!signal.aborted) {
      if (open !== undefined) yield* readOn(open);
      const now = openLines(path);
      if (now === undefined || now.identity === open?.identity) {
        // The same as before, or nothing there at the moment.
        if (now !== undefined) closeSync(now.descriptor);
        await sleep(pollMs, undefined, { signal }).catch(() => {});
        continue;
      }
      if (open !== undefined) {
        // What was appended between the reading and the renaming.
        yield* readOn(open);
        closeSync(open.descriptor);
      }
      open = now;
    }
  } finally {
    if (open !== undefined) closeSync(open.descriptor);
  }
}

interface Lines {
  descriptor: number;
  identity: string;
  offset: number;
  /** The beginning of a line whose end is not there yet. */
  rest: Buffer;
}

function openLines(path: string): Lines | undefined {
  try {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    const descriptor = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const { dev, ino } = fstatSync(descriptor, { bigint: true });
    return { descriptor, identity: `${dev}:${ino}`, offset: 0, rest: Buffer.alloc(0) };
  } catch {
    return undefined;
  }
}

function sizeOf({ descriptor }: Lines): number {
  return fstatSync(descriptor).size;
}

function* readOn(lines: Lines): Generator<string> {
  if (sizeOf(lines) < lines.offset) {
    lines.offset = 0;
    lines.rest = Buffer.alloc(0);
  }
  const chunk = Buffer.alloc(CHUNK);
  for (;;) {
    const count = readSync(lines.descriptor, chunk, 0, CHUNK, lines.offset);
    if (count === 0) return;
    lines.offset += count;
    let text = Buffer.concat([lines.rest, chunk.subarray(0, count)]);
    for (let end = text.indexOf(0x0a); end >= 0; end = text.indexOf(0x0a)) {
      yield text.subarray(0, end).toString();
      text = text.subarray(end + 1);
    }
    lines.rest = Buffer.from(text);
  }
}
