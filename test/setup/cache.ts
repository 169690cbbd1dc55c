import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

const dayMs = 24 * 60 * 60 * 1000;

/** What the tests keep between runs: disk images, Node binaries, packed products. */
export const cacheDirectory =
  process.env.RLIMIT_TEST_CACHE ??
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'rlimit-test');

/**
 * The path of `name` in the cache, made by `make` when it is not there.
 *
 * `make` writes to the path it is given, a file or a directory. That path gets its final name by a
 * rename when all went well, so whatever stands under a final name is whole. Others who want the
 * same entry meanwhile, in this process or another, wait for it.
 */
export async function cached(name: string, make: (path: string) => Promise<void>): Promise<string> {
  await mkdir(cacheDirectory, { recursive: true });
  const path = join(cacheDirectory, name);
  if (!existsSync(path)) {
    await withLock(name, async () => {
      if (!existsSync(path)) await makeThenRename(path, make);
    });
  }
  await markAsUsed(path);
  return path;
}

/** Remove the entries that begin with `prefix` and that no run has used for so many days. */
export async function removeUnused(prefix: string, days: number): Promise<void> {
  for (const name of await readdir(cacheDirectory)) {
    if (!name.startsWith(prefix)) continue;
    const path = join(cacheDirectory, name);
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > days * dayMs) await rm(path, { recursive: true, force: true });
  }
}

async function makeThenRename(path: string, make: (path: string) => Promise<void>): Promise<void> {
  const unfinished = `${path}.${randomUUID()}.unfinished`;
  try {
    await make(unfinished);
    await rename(unfinished, path);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/**
 * Hold an exclusive lock while `action` runs.
 *
 * The lock is held by a `flock` process that ends with its standard input, so it is free again
 * however this process ends.
 */
async function withLock(name: string, action: () => Promise<void>): Promise<void> {
  const lockFile = join(cacheDirectory, `${name}.lock`);
  const holder = execa('flock', ['--exclusive', lockFile, 'sh', '-c', 'echo held; exec cat']);
  try {
    await firstOutput(holder);
    await action();
  } finally {
    holder.stdin.end();
    await holder;
  }
}

/** Wait until a process says something; fail with its own error when it ends before. */
async function firstOutput(holder: ReturnType<typeof execa>): Promise<void> {
  const spoken = new Promise<void>((resolve) => holder.stdout?.once('data', () => resolve()));
  const ended = holder.then(() => {
    throw new Error('the lock was lost');
  });
  await Promise.race([spoken, ended]);
  ended.catch(() => {});
}

async function markAsUsed(path: string): Promise<void> {
  const now = new Date();
  // Another user, root, may have built it: then it only seems to be of no use sooner.
  await utimes(path, now, now).catch(() => {});
}
