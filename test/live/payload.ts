import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { execa } from 'execa';
import { cached, removeUnused } from '../setup/cache.js';
import { filesUnder } from '../setup/files.js';
import { pathWithSbin } from '../setup/host.js';

/** What a machine carries besides Debian: rlimit as npm would install it, or the agent alone. */
export type Payload = 'product' | 'none';

const project = join(import.meta.dirname, '../..');
const agent = join(import.meta.dirname, 'agent.py');
/** Directories that appear under /opt/rlimit in the machine. */
const carriedDirectories = {
  examples: join(project, 'examples'),
  fixtures: join(import.meta.dirname, 'fixtures'),
};
const diskSize = '512M';

/** Whether `npm run build` has been run, so that there is a product to carry. */
export function isBuilt(): boolean {
  return existsSync(join(project, 'dist'));
}

/**
 * The disk image that brings the agent and the payload into a machine. It is made anew only when
 * something on it has changed.
 */
export async function payloadDisk(payload: Payload): Promise<string> {
  const scratch = await mkdtemp(join(tmpdir(), 'rlimit-payload-'));
  try {
    const tarball = payload === 'product' ? await packProduct(scratch) : undefined;
    return await cached(`payload-${await payloadKey(tarball)}.img`, (disk) =>
      buildDisk(tarball, join(scratch, 'root'), disk),
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function packProduct(directory: string): Promise<string> {
  if (!isBuilt()) throw new Error('There is no dist/ to test. Run: npm run build');
  const { stdout } = await execa(
    'npm',
    // The build is not repeated here: other tests may be running from dist/ at this moment.
    ['pack', '--ignore-scripts', '--json', '--pack-destination', directory],
    { cwd: project },
  );
  const [packed] = JSON.parse(stdout) as [{ filename: string }];
  return join(directory, packed.filename);
}

async function payloadKey(tarball: string | undefined): Promise<string> {
  const hash = createHash('sha256')
    .update(diskSize)
    .update(await readFile(agent));
  if (tarball !== undefined) {
    hash.update(await readFile(tarball)).update(await readFile(join(project, 'package-lock.json')));
  }
  for (const [name, directory] of Object.entries(carriedDirectories)) {
    for (const file of await filesUnder(directory)) {
      hash.update(join(name, relative(directory, file))).update(await readFile(file));
    }
  }
  return hash.digest('hex').slice(0, 16);
}

async function buildDisk(tarball: string | undefined, root: string, disk: string): Promise<void> {
  await mkdir(join(root, 'package'), { recursive: true });
  await copyFile(agent, join(root, 'agent.py'));
  if (tarball !== undefined) await installProduct(tarball, join(root, 'package'));
  for (const [name, directory] of Object.entries(carriedDirectories)) {
    const target = join(root, 'opt', name);
    await mkdir(target, { recursive: true });
    if (existsSync(directory)) await cp(directory, target, { recursive: true });
  }
  await execa('mke2fs', ['-q', '-t', 'ext4', '-O', '^has_journal', '-d', root, disk, diskSize], {
    env: { PATH: pathWithSbin },
  });
  await removeUnused('payload-', 1);
}

/** What `npm install --global` makes of the tarball, with the versions of the lock file. */
async function installProduct(tarball: string, directory: string): Promise<void> {
  await execa('tar', ['--extract', '--strip-components=1', '--file', tarball, '-C', directory]);
  const lockFile = join(directory, 'package-lock.json');
  await copyFile(join(project, 'package-lock.json'), lockFile);
  await execa(
    'npm',
    ['ci', '--omit=dev', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'],
    { cwd: directory },
  );
  await rm(lockFile);
}
