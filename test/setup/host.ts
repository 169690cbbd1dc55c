import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

/** The commands that the live tests need on this machine, and the Debian packages they are in. */
const packageOfCommand = {
  'qemu-system-x86_64': 'qemu-system-x86',
  mmdebstrap: 'mmdebstrap',
  mke2fs: 'e2fsprogs',
  flock: 'util-linux',
  setpriv: 'util-linux',
} as const;

/** PATH with the directories of administration, which a user's own often lacks. */
export const pathWithSbin = `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`;

/** Install what the live tests need on this machine. */
export function ensureHostPackages(): Promise<void> {
  return ensurePackages(packageOfCommand, 'The live tests need');
}

/**
 * Install the Debian packages of commands that are missing, saying so first. Without root it stops
 * with the command to run instead.
 * @param packages command → Debian package
 * @param purpose beginning of the sentence that names the packages
 */
export async function ensurePackages(
  packages: Readonly<Record<string, string>>,
  purpose: string,
): Promise<void> {
  const missing = await missingPackages(packages);
  if (missing.length === 0) return;
  const names = missing.join(' ');
  if (process.getuid?.() !== 0) {
    throw new Error(`${purpose} ${names}. Run: sudo apt-get install -y ${names}`);
  }
  process.stdout.write(`${purpose} ${names}: installing with apt-get.\n`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await execa('apt-get', ['update'], { stdio: ['ignore', 'ignore', 'inherit'] });
  await execa('apt-get', ['install', '-y', '--no-install-recommends', ...missing], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

async function missingPackages(packages: Readonly<Record<string, string>>): Promise<string[]> {
  const missing = new Set<string>();
  for (const [command, debianPackage] of Object.entries(packages)) {
    if (!(await isInstalled(command))) missing.add(debianPackage);
  }
  return [...missing];
}

async function isInstalled(command: string): Promise<boolean> {
  for (const directory of pathWithSbin.split(':')) {
    try {
      await access(join(directory, command), constants.X_OK);
      return true;
    } catch {
      // Not in this directory: look in the next.
    }
  }
  return false;
}
