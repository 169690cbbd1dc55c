/**
 * Whether there is a newer NVIDIA driver: what is installed against what the package manager would install,
 * by the lists that it has. Nothing is asked over a network.
 */
import { readFileSync } from 'node:fs';
import { type AskProgram, askProgram } from './program.js';

export interface DriverPackage {
  name: string;
  installed: string;
  /** What an update would install; the same where there is none. */
  candidate: string;
}

export interface DriverReport {
  /** `reboot`: the module that is loaded is not the one whose tools are installed. */
  verdict: 'none' | 'current' | 'update' | 'reboot' | 'unknown';
  /** Version of the loaded kernel module, and of the tools. */
  loaded?: string;
  tools?: string;
  packages: DriverPackage[];
  /** What was compared with what, in a sentence; or why nothing could be. */
  says: string;
}

/** What the check goes by. */
export interface DriverFacts {
  loaded?: string;
  tools?: string;
  /** Absent where neither dpkg nor rpm is there. */
  manager?: 'apt' | 'dnf';
  packages: DriverPackage[];
  /** The program that should have told of newer versions, and did not. */
  silent?: string;
}

/** Names of packages that carry the driver, in Debian, Ubuntu, Fedora, RHEL and NVIDIA's own archives. */
const DEB = [
  'nvidia-driver*',
  'nvidia-headless*',
  'nvidia-kernel-*',
  'nvidia-dkms-*',
  'nvidia-open*',
];
const DEB_MORE = ['libnvidia-compute-*', 'libnvidia-ml1', 'cuda-drivers*'];
const RPM = [
  'nvidia-driver*',
  'akmod-nvidia*',
  'kmod-nvidia*',
  'xorg-x11-drv-nvidia*',
  'nvidia-open*',
];

/** @param tools version that nvidia-smi told, where it did */
export async function checkDriver(
  tools?: string,
  { ask = askProgram, root = '' }: { ask?: AskProgram; root?: string } = {},
): Promise<DriverReport> {
  const loaded = loadedDriver(root);
  const found = (await debPackages(ask)) ?? (await rpmPackages(ask)) ?? { packages: [] };
  return judgeDriver({
    ...(loaded === undefined ? {} : { loaded }),
    ...(tools === undefined ? {} : { tools }),
    ...found,
  });
}

/** Pure. */
export function judgeDriver(facts: DriverFacts): DriverReport {
  const { loaded, tools, manager, packages, silent } = facts;
  const versions = {
    ...(loaded === undefined ? {} : { loaded }),
    ...(tools === undefined ? {} : { tools }),
    packages,
  };
  const report = (verdict: DriverReport['verdict'], says: string) => ({
    verdict,
    ...versions,
    says,
  });
  if (silent !== undefined) {
    return report('unknown', `${silent} does not tell whether there is a newer driver`);
  }
  if (loaded === undefined && packages.length === 0) {
    return report('none', 'no NVIDIA driver is loaded, and no package of one is installed');
  }
  if (loaded !== undefined && tools !== undefined && loaded !== tools) {
    return report(
      'reboot',
      `the kernel runs driver ${loaded}, and ${tools} is installed: boot anew`,
    );
  }
  if (manager === undefined) {
    return report('unknown', 'neither dpkg nor rpm is here to tell of newer drivers');
  }
  if (packages.length === 0) {
    return report('unknown', `driver ${loaded} is not from a package, so no newer one is known`);
  }
  const newer = packages.filter(({ installed, candidate }) => installed !== candidate);
  const lists = `by the package lists that ${manager} has here`;
  if (newer.length === 0) {
    const names = packages.map(({ name, installed }) => `${name} ${installed}`).join(', ');
    return report('current', `nothing newer ${lists}: ${names}`);
  }
  const changes = newer.map((each) => `${each.name} ${each.installed} → ${each.candidate}`);
  return report('update', `there is a newer driver ${lists}: ${changes.join(', ')}`);
}

/** Version in /proc/driver/nvidia/version; absent where the driver is not loaded. */
function loadedDriver(root: string): string | undefined {
  try {
    const text = readFileSync(`${root}/proc/driver/nvidia/version`, 'utf8');
    return /^NVRM version:.*?\s(\d{2,4}\.\d+(?:\.\d+)*)\s/m.exec(text)?.[1];
  } catch {
    // Not there, or not for us to read: nothing is known of it.
    return undefined;
  }
}

type Found = Omit<DriverFacts, 'loaded' | 'tools'>;

async function debPackages(ask: AskProgram): Promise<Found | undefined> {
  const format = '-f=${db:Status-Abbrev}|${Package}\\n';
  const known = await ask(['dpkg-query', '-W', format, ...DEB, ...DEB_MORE]);
  if (known.kind !== 'answered') return undefined;
  // "ii": installed. A pattern without a match makes the status 1, and the others are told all the same.
  const names = [...known.out.matchAll(/^ii *\|(.+)$/gm)].map(([, name = '']) => name);
  if (names.length === 0) return { manager: 'apt', packages: [] };
  const policy = await ask(['apt-cache', 'policy', '--', ...new Set(names)]);
  if (policy.kind !== 'answered' || policy.status !== 0) {
    return { manager: 'apt', packages: [], silent: 'apt-cache' };
  }
  return { manager: 'apt', packages: readPolicy(policy.out) };
}

/** Reads `apt-cache policy`: a paragraph a package, under its name. Pure. */
export function readPolicy(text: string): DriverPackage[] {
  const paragraphs = text.matchAll(/^(\S+):\n {2}Installed: (\S+)\n {2}Candidate: (\S+)$/gm);
  return [...paragraphs].flatMap(([, name = '', installed = '', candidate = '']) =>
    installed === '(none)' || candidate === '(none)' ? [] : [{ name, installed, candidate }],
  );
}

async function rpmPackages(ask: AskProgram): Promise<Found | undefined> {
  const known = await ask(['rpm', '-qa', '--qf', '%{NAME}|%{VERSION}-%{RELEASE}\\n', ...RPM]);
  if (known.kind !== 'answered' || known.status !== 0) return undefined;
  const installed = [...known.out.matchAll(/^([^|\n]+)\|(.+)$/gm)];
  if (installed.length === 0) return { manager: 'dnf', packages: [] };
  const names = installed.map(([, name = '']) => name);
  const upgrades = await ask(['dnf', '-q', '-C', 'list', '--upgrades', ...names]);
  if (upgrades.kind !== 'answered') return { manager: 'dnf', packages: [], silent: 'dnf' };
  const newer = readUpgrades(upgrades.out);
  return {
    manager: 'dnf',
    packages: installed.map(([, name = '', version = '']) => ({
      name,
      installed: version,
      candidate: newer.get(name) ?? version,
    })),
  };
}

/** Reads `dnf list --upgrades`: name.arch, version and repository in columns. Pure. */
export function readUpgrades(text: string): Map<string, string> {
  const rows = text.matchAll(/^(\S+)\.[a-z0-9_]+\s+(?:\d+:)?(\S+)\s+\S+\s*$/gm);
  return new Map([...rows].map(([, name = '', version = '']) => [name, version]));
}
