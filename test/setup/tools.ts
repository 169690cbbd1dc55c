import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { cached } from './cache.js';
import { ensurePackages, pathWithSbin } from './host.js';

/** Where the tools are from: the first Debian release that has all of them. */
const suite = 'trixie';

/** Programs that read the formats of others, and where they are in their packages. */
const programs = {
  docker: 'usr/bin/docker',
  'docker-compose': 'usr/libexec/docker/cli-plugins/docker-compose',
  fish: 'usr/bin/fish',
  just: 'usr/bin/just',
  kubectl: 'usr/bin/kubectl',
  make: 'usr/bin/make',
  'nix-instantiate': 'usr/bin/nix-instantiate',
  podman: 'usr/bin/podman',
  quadlet: 'usr/libexec/podman/quadlet',
  sbatch: 'usr/bin/sbatch',
  zsh: 'usr/bin/zsh',
} as const;
export type Program = keyof typeof programs;

const packages = [
  ...['docker-cli', 'docker-compose', 'fish', 'just', 'kubernetes-client', 'make', 'nix-bin'],
  ...['slurm-client', 'zsh'],
];
/** Without what they depend on, which is a container engine: only their parsers are wanted. */
const alone = ['podman', 'libgpgme11t64', 'libsubid5', 'libassuan9'];

/** Besides the usual places, as their packages set them up. */
const libraries = ['', '/nix', '/slurm-wlm'].map((name) => `usr/lib/x86_64-linux-gnu${name}`);

export interface Answer {
  status: number | undefined;
  stdout: string;
  stderr: string;
}

/** How a tool is started. */
export interface ToolOptions {
  cwd?: string;
  env?: Record<string, string>;
}

/** Where Slurm's plugins are. */
export async function slurmPlugins(): Promise<string> {
  return join(await toolTree(), 'usr/lib/x86_64-linux-gnu/slurm-wlm');
}

/** The argument list that starts a tool: its own loader with its own libraries, without a chroot. */
export async function toolArgv(program: Program): Promise<string[]> {
  const tree = await toolTree();
  return [
    join(tree, 'usr/lib64/ld-linux-x86-64.so.2'),
    ...['--library-path', libraries.map((path) => join(tree, path)).join(':')],
    ...['--argv0', program, join(tree, programs[program])],
  ];
}

/** Asks a tool; nothing of this machine's configuration reaches it but PATH. */
export async function tool(
  program: Program,
  args: readonly string[],
  { cwd, env = {} }: ToolOptions = {},
): Promise<Answer> {
  const [loader = '', ...rest] = await toolArgv(program);
  const { exitCode, stdout, stderr } = await execa(loader, [...rest, ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent', LC_ALL: 'C.UTF-8', ...env },
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    timeout: 60_000,
  });
  return { status: exitCode, stdout, stderr };
}

/** The packages, unpacked and not installed: they run from where they lie, and change nothing here. */
export function toolTree(): Promise<string> {
  tree ??= cached(`tools-${suite}-3`, unpack);
  return tree;
}
let tree: Promise<string> | undefined;

async function unpack(directory: string): Promise<void> {
  await ensurePackages(
    { mmdebstrap: 'mmdebstrap', flock: 'util-linux' },
    'The tests of export need',
  );
  const download =
    `cd "$1" && APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -qq download ${alone.join(' ')} && ` +
    'for each in *.deb; do dpkg -x "$each" . && rm "$each"; done';
  await execa(
    'mmdebstrap',
    [
      '--variant=extract',
      `--include=${packages.join(',')}`,
      '--dpkgopt=path-exclude=/usr/share/*',
      '--dpkgopt=path-include=/usr/share/fish/*',
      `--extract-hook=${download}`,
      // A mirror that stands still is as good here.
      '--aptopt=Acquire::Check-Valid-Until "false"',
      suite,
      directory,
    ],
    { stdin: 'ignore', all: true, timeout: 10 * 60_000, env: { PATH: pathWithSbin } },
  );
  for (const unused of ['podman-testing', 'rootlessport']) {
    await rm(join(directory, 'usr/libexec/podman', unused), { force: true });
  }
  // Other users may test as well.
  await chmod(directory, 0o755);
}
