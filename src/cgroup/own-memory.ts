/** What a process has in memory by itself, from /proc/PID/status (proc_pid_status(5)). */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** Bytes; each is zero where the process is gone, or hides it. */
export interface OwnMemory {
  /** RssAnon: no file backs it. */
  anon: number;
  /** RssFile: mapped files, which the kernel can take back. */
  file: number;
  /** RssShmem. */
  shmem: number;
  /** VmSwap: anonymous memory that was swapped out. */
  swapped: number;
  /** VmHWM: most resident memory of all three kinds since it became this program. */
  highWater: number;
}

/** Reads what one process has. */
export function readOwnMemory(pid: number, proc = '/proc'): OwnMemory {
  const status = readProcText(`${proc}/${pid}/status`);
  return {
    anon: kibibytes(status, 'RssAnon'),
    file: kibibytes(status, 'RssFile'),
    shmem: kibibytes(status, 'RssShmem'),
    swapped: kibibytes(status, 'VmSwap'),
    highWater: kibibytes(status, 'VmHWM'),
  };
}

/** The kernel gives all of such a file at once to who has the room (seq_file, single_open). */
const buffer = Buffer.alloc(16 * 1024);

/**
 * The text of a small file of /proc, empty when it is not there or not ours to read. What is beyond
 * 16 KiB is left out. Three system calls: a third of what readFileSync costs.
 */
export function readProcText(path: string): string {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    return buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0));
  } catch {
    return '';
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** The figure of a line `Name:   123 kB` in bytes; zero where there is none. */
export function kibibytes(text: string, name: string): number {
  const at = text.indexOf(`\n${name}:`);
  const value = at < 0 ? 0 : Number.parseInt(text.slice(at + name.length + 2), 10) * 1024;
  return Number.isSafeInteger(value) ? value : 0;
}

/** AT_PAGESZ of the auxiliary vector (getauxval(3)): pairs of words, each 8 bytes. */
export function readPageSize(proc = '/proc'): number {
  try {
    const words = new BigUint64Array(new Uint8Array(readFileSync(`${proc}/self/auxv`)).buffer);
    for (let at = 0; at + 1 < words.length; at += 2) {
      if (words[at] === 6n) return Number(words[at + 1]);
    }
  } catch {
    // Another user's, or no such file: nearly every machine has this size.
  }
  return 4096;
}
