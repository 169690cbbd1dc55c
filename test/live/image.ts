import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { ExecaError, execa } from 'execa';
import { cacheDirectory, cached, removeUnused } from '../setup/cache.js';
import { filesUnder } from '../setup/files.js';
import { pathWithSbin } from '../setup/host.js';
import { nodeBinary } from '../setup/node.js';
import { type Suite, suiteFacts } from './suites.js';

/** The files a machine boots from. */
export interface Image {
  kernel: string;
  /** A raw ext4 file system without a partition table. */
  disk: string;
}

/**
 * This release's kernel drives all suites: it has NVMe and ext4 built in, so no initial RAM disk is
 * needed, and later ones crash under emulation with two processors.
 */
const kernelSuite: Suite = 'bookworm';
const kernelPackage = 'linux-image-cloud-amd64';

const systemPackages = [
  // What a Debian machine with a user session has.
  ...['systemd', 'systemd-sysv', 'dbus', 'dbus-user-session', 'libpam-systemd', 'udev', 'kmod'],
  ...['login', 'passwd', 'procps', 'mount', 'util-linux', 'bash'],
  // What the agent and Node need.
  ...['python3', 'libstdc++6'],
];

/** What the tests run under limits. */
const ranPackages = ['make', 'ninja-build', 'coq', 'libcoq-stdlib'];

/** What ends processes besides the kernel. They do not run unless a test starts them. */
const killerPackages = ['systemd-oomd', 'earlyoom'];

/**
 * What only one suite carries. bpftrace brings libLLVM and libclang, 140 MB that every boot of the other
 * suites would have on its disk for tests that need them in one place: the kernel is the same in all.
 */
const packagesOf: Partial<Record<Suite, string[]>> = { trixie: ['bpftrace'] };

/**
 * `standard`: what nearly all tests run on. `plans`: what the ready plans of rlimit apply set up, and a
 * way in by ssh. `slurm`: a whole cluster, with the data base of its accounting. The last two are built
 * only where a test asks for them.
 */
export type ImageKind = 'standard' | 'plans' | 'slurm';

/** Each of the two programs that set compressed memory up is installed somewhere. */
const zramPackages: Record<Suite, string> = {
  bookworm: 'zram-tools',
  trixie: 'systemd-zram-generator',
  forky: 'systemd-zram-generator',
};

const packagesOfKind: Record<ImageKind, (suite: Suite) => string[]> = {
  standard: (suite) => [...ranPackages, ...killerPackages, ...(packagesOf[suite] ?? [])],
  plans: (suite) => [
    ...killerPackages,
    ...['openssh-server', 'openssh-client', 'nix-bin', 'nix-setup-systemd'],
    zramPackages[suite],
  ],
  slurm: () => ['slurmctld', 'slurmd', 'slurm-client', 'slurmdbd', 'mariadb-server', 'munge'],
};

/** What Debian starts at boot, and a test here when it has written the configuration. */
const idleOfKind: Partial<Record<ImageKind, string[]>> = {
  slurm: ['slurmctld', 'slurmd', 'slurmdbd', 'mariadb', 'munge'],
};

function packagesFor(suite: Suite, kind: ImageKind): string[] {
  return [...systemPackages, ...packagesOfKind[kind](suite)];
}

/** Documentation and translations: half of the files, and nobody reads them there. */
const leftOutPaths = ['doc', 'man', 'info', 'locale'];

/** Nominal: what nothing was written to takes no room. That of `plans` has room for 16 GB of swap. */
const diskSizes: Record<ImageKind, string> = {
  standard: '6G',
  plans: '24G',
  slurm: '6G',
};
const buildTimeoutMs = 20 * 60 * 1000;
const imageFiles = join(import.meta.dirname, 'image');

/** The image of a suite, built when the cache does not have it. */
export async function ensureImage(suite: Suite, kind: ImageKind = 'standard'): Promise<Image> {
  const kernel = await ensureKernel();
  const key = await diskKey(suite, kind, kernel);
  const disk = await cached(`disk-${suite}-${key}.img`, (path) =>
    buildDisk(suite, kind, kernel, path),
  );
  return { kernel: join(kernel.directory, 'vmlinuz'), disk };
}

/** An unpacked kernel: a directory with `vmlinuz` and `modules/VERSION`. */
interface Kernel {
  directory: string;
  version: string;
}

async function ensureKernel(): Promise<Kernel> {
  const directory = await cached(`kernel-${kernelSuite}`, unpackKernel);
  const [version = ''] = await readdir(join(directory, 'modules'));
  return { directory, version };
}

async function unpackKernel(directory: string): Promise<void> {
  const tree = `${directory}.tree`;
  try {
    // Only unpacked, not installed: that spares the making of an initial RAM disk.
    await debootstrap(kernelSuite, ['--variant=extract'], [kernelPackage, 'kmod'], tree);
    const [version] = await readdir(join(tree, 'lib/modules'));
    if (version === undefined) throw new Error(`${kernelPackage} has no modules`);
    await runStep('chroot', [tree, '/sbin/depmod', version]);
    await mkdir(join(directory, 'modules'), { recursive: true });
    await rename(join(tree, 'boot', `vmlinuz-${version}`), join(directory, 'vmlinuz'));
    await rename(join(tree, 'lib/modules', version), join(directory, 'modules', version));
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}

/** Changes with everything that goes into a disk, so that a stale one is never booted. */
async function diskKey(suite: Suite, kind: ImageKind, { version }: Kernel): Promise<string> {
  const { node } = suiteFacts[suite];
  const recipe = {
    suite,
    packages: packagesFor(suite, kind),
    idle: idleOfKind[kind],
    leftOutPaths,
    diskSize: diskSizes[kind],
    node,
    kernel: version,
  };
  const hash = createHash('sha256').update(JSON.stringify(recipe));
  for (const file of await filesUnder(imageFiles)) {
    hash.update(relative(imageFiles, file)).update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 16);
}

async function buildDisk(
  suite: Suite,
  kind: ImageKind,
  kernel: Kernel,
  disk: string,
): Promise<void> {
  const tree = `${disk}.tree`;
  const modules = join(kernel.directory, 'modules', kernel.version);
  const node = await nodeBinary(suiteFacts[suite].node);
  try {
    await debootstrap(suite, ['--variant=apt'], packagesFor(suite, kind), tree);
    await runStep(join(imageFiles, 'provision.sh'), [tree, node, modules]);
    for (const unit of idleOfKind[kind] ?? []) {
      await runStep('chroot', [tree, 'systemctl', 'disable', unit]);
    }
    // No journal where every boot works on a throw-away copy. Where power is cut, one as everywhere.
    const features = kind === 'plans' ? ['-J', 'size=16'] : ['-O', '^has_journal'];
    const size = diskSizes[kind];
    await runStep('mke2fs', ['-q', '-t', 'ext4', ...features, '-d', tree, disk, size]);
    await removeUnused(`disk-${suite}-`, 7);
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}

async function debootstrap(
  suite: Suite,
  options: string[],
  include: string[],
  directory: string,
): Promise<void> {
  requireRoot();
  const dpkgOptions = leftOutPaths.map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);
  await runStep('mmdebstrap', [
    ...options,
    `--include=${include.join(',')}`,
    ...dpkgOptions,
    // A mirror that stands still is as good here.
    '--aptopt=Acquire::Check-Valid-Until "false"',
    suite,
    directory,
  ]);
}

function requireRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new Error(
    'Only root can build the disk images of the live tests (any user can then run them). Run once: ' +
      `sudo env RLIMIT_TEST_CACHE=${cacheDirectory} npm run live -- build`,
  );
}

/** Run one command of a build; where it fails, the error holds the end of what it said. */
async function runStep(command: string, args: string[]): Promise<void> {
  try {
    await execa(command, args, {
      all: true,
      stdin: 'ignore',
      timeout: buildTimeoutMs,
      env: { PATH: pathWithSbin, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
    });
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error;
    const tail = String(error.all ?? '')
      .split('\n')
      .slice(-25)
      .join('\n');
    throw new Error(`Building a test machine failed: ${error.shortMessage}\n${tail}`);
  }
}
