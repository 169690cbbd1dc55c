import { closeSync, openSync, writeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { CannotRunError } from '../errors/index.js';
import { writeAll } from './output.js';

/** A log file beside the terminal. */
export interface Log {
  /** Copies what comes from here to descriptor 1 or 2, and to the file. */
  copy(from: Readable, to: 1 | 2): void;
  /** Writes into the file alone. */
  keep(bytes: Uint8Array): void;
  close(): void;
}

/**
 * Opens a log file; what was in it is gone. When it cannot be written on (a full disk), the command
 * goes on and `onLoss` is called, once.
 * @throws {CannotRunError} when it cannot be opened
 */
export function openLog(file: string, onLoss: (error: Error) => void): Log {
  const log = open(file);
  let lost = false;
  const keep = (bytes: Uint8Array): void => {
    if (lost) return;
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(log, bytes, written);
    } catch (error) {
      lost = true;
      onLoss(error as Error);
    }
  };
  return {
    keep,
    copy: (from, to) => {
      from.on('data', (bytes: Buffer) => {
        keep(bytes);
        pass(bytes, from, to);
      });
    },
    close: () => closeSync(log),
  };
}

function open(file: string): number {
  try {
    return openSync(file, 'w');
  } catch (error) {
    throw new CannotRunError(`the log file cannot be written: ${(error as Error).message}`);
  }
}

/** A reader that went away (`| head`) must reach the command as SIGPIPE, as it would without us. */
function pass(bytes: Buffer, from: Readable, to: 1 | 2): void {
  try {
    writeAll(to, bytes);
  } catch {
    from.destroy();
  }
}
