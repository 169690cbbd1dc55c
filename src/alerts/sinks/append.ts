/**
 * A line at the end of a log, as `appendLine` of src/state puts it there, without anybody waiting for the
 * disk: the guard has to go on where one is full, or slow for want of memory.
 */
import { spawn } from 'node:child_process';
import { type FileHandle, mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { APPEND_FLAGS, olderFile } from '../../state/append.js';

/**
 * Appends a line, which has no line break in it, with one write(2), so that lines of several processes
 * never mix.
 * @param limit bytes above which the file becomes the old generation
 * @throws {Error} saying why the file has not got it
 */
export async function appendLineLater(file: string, text: string, limit: number): Promise<void> {
  // Somebody may take the file away between opening and writing it.
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    const handle = await openLog(file);
    try {
      const { size } = await handle.stat();
      if (size >= limit && (await setAside(file, handle))) continue;
      await append(handle, size, text);
      if (await isAt(file, handle)) return;
    } finally {
      await handle.close();
    }
  }
}

async function openLog(file: string): Promise<FileHandle> {
  const handle = await openOrMake(file);
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new Error(`${file} is not a regular file`);
}

async function openOrMake(file: string): Promise<FileHandle> {
  try {
    return await open(file, APPEND_FLAGS, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    return open(file, APPEND_FLAGS, 0o600);
  }
}

/** A line that a crash or a full disk has cut short is ended first. */
async function append(handle: FileHandle, size: number, text: string): Promise<void> {
  const last = Buffer.alloc(1);
  const isTorn =
    size > 0 && (await handle.read(last, 0, 1, size - 1)).bytesRead > 0 && last[0] !== 0x0a;
  const bytes = Buffer.from(`${isTorn ? '\n' : ''}${text}\n`);
  const { bytesWritten } = await handle.write(bytes);
  if (bytesWritten === bytes.length) return;
  throw new Error(`only ${bytesWritten} of ${bytes.length} bytes could be written`);
}

/**
 * Makes a full file the old generation, under a lock on that very file: who holds it and sees the file
 * still under its name is the only one who may rename it.
 * @returns whether another file has the name by now
 */
async function setAside(file: string, handle: FileHandle): Promise<boolean> {
  if ((await lock(handle.fd)) && (await isAt(file, handle))) {
    await rename(file, olderFile(file));
  }
  return !(await isAt(file, handle));
}

/** flock(1) locks the open file that it inherits; the lock ends when it is closed. */
function lock(descriptor: number): Promise<boolean> {
  return new Promise((resolve) => {
    const stdio = ['ignore', 'ignore', 'ignore', descriptor] as const;
    const child = spawn('flock', ['-x', '-n', '3'], { stdio: [...stdio], timeout: 5000 });
    child.once('error', () => resolve(false));
    child.once('exit', (status) => resolve(status === 0));
  });
}

async function isAt(file: string, handle: FileHandle): Promise<boolean> {
  const open_ = await handle.stat({ bigint: true });
  const named = await stat(file, { bigint: true }).catch(() => undefined);
  return named?.ino === open_.ino && named.dev === open_.dev;
}
