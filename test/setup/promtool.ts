import { chmod, copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { cached } from './cache.js';

/**
 * The path of promtool. Of Debian's package only that program is taken: to install it would start a
 * server.
 */
export function promtool(): Promise<string> {
  return cached('promtool', async (path) => {
    const scratch = await mkdtemp(join(tmpdir(), 'rlimit-promtool-'));
    try {
      const file = await downloadPackage(scratch);
      await execa('dpkg-deb', ['--extract', file, join(scratch, 'tree')]);
      await copyFile(join(scratch, 'tree/usr/bin/promtool'), path);
      await chmod(path, 0o755);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  });
}

/** Without lists of packages, or with old ones, these are fetched first, which needs root. */
async function downloadPackage(cwd: string): Promise<string> {
  const download = () => execa('apt-get', ['download', 'prometheus'], { cwd });
  await download().catch(async () => {
    await execa('apt-get', ['update']);
    await download();
  });
  const name = (await readdir(cwd)).find((each) => each.endsWith('.deb'));
  if (name === undefined) throw new Error('apt-get download prometheus has left no package');
  return join(cwd, name);
}
