import { closeSync, openSync, readSync } from 'node:fs';
import type { MachineMemory } from '../model/index.js';

/** /proc/meminfo alone, kept open: what is looked at between two samples. */
export class Glance {
  readonly #file: number | undefined;
  readonly #buffer = Buffer.alloc(4096);

  constructor(proc = '/proc') {
    try {
      this.#file = openSync(`${proc}/meminfo`, 'r');
    } catch {
      this.#file = undefined;
    }
  }

  /** Absent where it cannot be read. */
  read(): MachineMemory | undefined {
    if (this.#file === undefined) return undefined;
    try {
      const length = readSync(this.#file, this.#buffer, 0, this.#buffer.length, 0);
      const text = this.#buffer.toString('latin1', 0, length);
      const [total, available] = [bytes(text, 'MemTotal'), bytes(text, 'MemAvailable')];
      if (total === undefined || available === undefined) return undefined;
      const swapTotal = bytes(text, 'SwapTotal') ?? 0;
      return { total, available, swapTotal, swapFree: bytes(text, 'SwapFree') ?? 0 };
    } catch {
      return undefined;
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
  }
}

function bytes(text: string, name: string): number | undefined {
  const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}
