import { chmod, copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { cached } from './cache.js';

/** The Node versions that rlimit supports, oldest first. */
export const nodeMajors = [20, 22, 24] as const;
export type NodeMajor = (typeof nodeMajors)[number];

/**
 * The path of a Node binary of the given major version, alone in its directory, which can so be
 * put first in PATH.
 */
export async function nodeBinary(major: NodeMajor): Promise<string> {
  const directory = await cached(nodeEntry(major), async (path) => {
    await mkdir(path, { recursive: true });
    if (isThisNode(major)) await copyBinary(process.execPath, path);
    else await downloadBinary(major, path);
  });
  return join(directory, 'node');
}

/** An own copy of this machine's Node stays right only while it is of the same version. */
function nodeEntry(major: NodeMajor): string {
  return isThisNode(major) ? `node-${process.versions.node}` : `node-${major}`;
}

/** Whether this very Node will do. One in a shared library, as Debian's own, runs nowhere else. */
function isThisNode(major: NodeMajor): boolean {
  const built: Record<string, unknown> = process.config.variables;
  return process.versions.node.startsWith(`${major}.`) && built.node_shared !== true;
}

/** npm carries Node's own binaries, one package for each system. */
async function downloadBinary(major: NodeMajor, directory: string): Promise<void> {
  const name = `node-${process.platform}-${process.arch}`;
  const prefix = await mkdtemp(join(tmpdir(), 'rlimit-node-'));
  try {
    await execa('npm', [
      'install',
      ...['--prefix', prefix, '--no-save', '--ignore-scripts', '--no-audit', '--no-fund'],
      `${name}@${major}`,
    ]);
    await copyBinary(join(prefix, 'node_modules', name, 'bin', 'node'), directory);
  } finally {
    await rm(prefix, { recursive: true, force: true });
  }
}

async function copyBinary(source: string, directory: string): Promise<void> {
  const target = join(directory, 'node');
  await copyFile(source, target);
  await chmod(target, 0o755);
}

/** The environment in which `node` and every `#!/usr/bin/env node` is the given binary. */
export function environmentWithNode(binary: string): Record<string, string> {
  return { PATH: `${dirname(binary)}:${process.env.PATH ?? ''}` };
}
