/** Follows a file of lines while it grows, as `tail -F` does. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const CHUNK = 64 * 1024;
const POLL_MS = 500;

/** Follows from where the file ends now. */
export class Follower {
  readonly #path: string;
  #open: Lines | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#open = openLines(path);
    if (this.#open !== undefined) this.#open.offset = sizeOf(this.#open);
  }

  /**
   * Gives each line that is appended, also where the file is set aside and begun anew, cut short, taken
   * away or not there yet. Ends when the signal is aborted.
   */
  async *lines(signal: AbortSignal, pollMs = POLL_MS): AsyncGenerator<string> {
    try {
      while (!signal.aborted) {
        if (this.#open !== undefined) yield* readOn(this.#open);
        if (this.#turnOver()) continue;
        await sleep(pollMs, undefined, { signal }).catch(() => {});
      }
    } finally {
      this.#close();
    }
  }

  /** Where another file has the name by now, it is the next one, once all of the old one was read. */
  #turnOver(): boolean {
    const now = openLines(this.#path);
    const old = this.#open;
    if (now === undefined) return false;
    if (now.identity === old?.identity) {
      closeSync(now.descriptor);
      return false;
    }
    // What was appended between the reading and the renaming comes first.
    if (old !== undefined && sizeOf(old) > old.offset) {
      closeSync(now.descriptor);
      return true;
    }
    this.#close();
    this.#open = now;
    return true;
  }

  #close(): void {
    if (this.#open !== undefined) closeSync(this.#open.descriptor);
    this.#open = undefined;
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
