import { SCOPE_OOM_POLICY_SINCE } from '../../properties/index.js';
import { EXPAND_ENVIRONMENT_SINCE } from '../../systemd/compile.js';
import { parseSystemdVersion } from '../../systemd/version.js';
import { needText, type Place, said, Unknown } from '../place.js';
import { type CheckSpec, found, type Judged } from '../spec.js';

/** Versions of systemd and the kernel, and what they lack. */
export const versions: CheckSpec = {
  name: 'versions',
  title: 'systemd and the kernel are new enough',
  group: 'machine',
  look: async (place) => judgeVersions(await readVersions(place)),
};

export interface VersionFacts {
  /** Major version; absent without systemctl. */
  systemd?: number;
  kernel: string;
  /** Why systemd's is not known. */
  unasked?: string;
}

export async function readVersions(place: Place): Promise<VersionFacts> {
  const kernel = needText(place, '/proc/sys/kernel/osrelease').trim();
  try {
    const systemd = parseSystemdVersion(await said(place, ['systemctl', '--version']));
    return systemd === undefined ? { kernel, unasked: NO_VERSION } : { kernel, systemd };
  } catch (error) {
    if (!(error instanceof Unknown)) throw error;
    return { kernel, unasked: `systemd: ${error.message}` };
  }
}

const NO_VERSION = 'systemctl --version says no version';

/** What newer ones have, and how rlimit gets along without it. */
interface Feature {
  what: string;
  /** Major version of systemd, or `5.19` of Linux. */
  since: number | string;
  without: string;
  /** Whether something a user would notice is missing. */
  isFelt: boolean;
}

/** NEWS of systemd. */
const OF_SYSTEMD: readonly Feature[] = [
  {
    what: 'cpu delegated to users’ managers',
    since: 252,
    without: 'CPUQuota and CPUWeight of a user’s units do nothing unless delegated by hand',
    isFelt: true,
  },
  {
    what: 'OOMPolicy for scopes',
    since: SCOPE_OOM_POLICY_SINCE,
    without: 'one process killed for lack of memory stops the whole run',
    isFelt: true,
  },
  {
    what: 'systemd-run --expand-environment',
    since: EXPAND_ENVIRONMENT_SINCE,
    without: 'nothing is expanded, which is what rlimit wants',
    isFelt: false,
  },
  {
    what: 'EffectiveMemoryMax',
    since: 256,
    without: 'rlimit looks at every cgroup above itself',
    isFelt: false,
  },
];

/** Documentation/admin-guide/cgroup-v2.rst and its history. */
const OF_KERNEL: readonly Feature[] = [
  {
    what: 'pressure of cgroups',
    since: '4.20',
    without: 'stalls cannot be seen',
    isFelt: true,
  },
  {
    what: 'cgroup.kill',
    since: '5.14',
    without: 'processes are ended one by one',
    isFelt: false,
  },
  {
    what: 'memory.peak',
    since: '5.19',
    without: 'the peak of a run is sampled and may be missed',
    isFelt: true,
  },
];

export function judgeVersions({ systemd, kernel, unasked }: VersionFacts): Judged {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(kernel) ?? [];
  const isKnown = major !== undefined && minor !== undefined;
  const linux = Number(major) * 1000 + Number(minor);
  const ofSystemd = OF_SYSTEMD.filter(
    ({ since }) => systemd !== undefined && systemd < Number(since),
  );
  const ofKernel = OF_KERNEL.filter(({ since }) => {
    const [first, second] = String(since).split('.').map(Number);
    return isKnown && linux < (first ?? 0) * 1000 + (second ?? 0);
  });
  const evidence = [
    `systemd ${systemd ?? 'not known'} (systemctl --version), Linux ${kernel}`,
    ...[...ofSystemd, ...ofKernel]
      .filter(({ isFelt }) => !isFelt)
      .map(({ what, since, without }) => `no ${what} (from ${since}): ${without}`),
  ];
  const lacking = (features: readonly Feature[], name: string, has: string) =>
    features
      .filter(({ isFelt }) => isFelt)
      .map(({ what, since, without }) => ({
        property: what,
        wanted: `${name} ${since}`,
        observed: `${name} ${has}`,
        cause: `${what} came with ${name} ${since}, and this is ${has}: ${without}`,
      }));
  const unknown = [unasked, isKnown ? undefined : `the kernel calls itself ${kernel}`].filter(
    (reason) => reason !== undefined,
  );
  return {
    evidence,
    findings: [
      ...lacking(ofSystemd, 'systemd', String(systemd)).map((each) =>
        found('warning', 'systemd-too-old', each),
      ),
      ...lacking(ofKernel, 'Linux', kernel).map((each) => found('warning', 'kernel-too-old', each)),
    ],
    ...(unknown.length === 0 ? {} : { unknown: unknown.join('; ') }),
  };
}
