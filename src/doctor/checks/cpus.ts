import { ancestorsOf, cgroupOf, parseCpuMax, readCgroupFile } from '../../cgroup/index.js';
import { formatCpuQuota } from '../../quantity/index.js';
import { type Place, said, Unknown } from '../place.js';
import { type CheckSpec, found, type Judged } from '../spec.js';

/** What nproc says against the CPU quota that holds here. */
export const cpus: CheckSpec = {
  name: 'nproc',
  title: 'nproc agrees with the CPU quota',
  group: 'tools',
  look: async (place) => judgeCpus(await readCpus(place)),
};

export interface CpuFacts {
  /** What nproc prints. */
  nproc: number;
  /** Its version, 9.8 as 9008; absent where it is not GNU’s. */
  version?: number;
  /** The tightest quota from here upward, in CPUs, and where it is. */
  quota?: { cpus: number; cgroup: string };
}

export async function readCpus(place: Place): Promise<CpuFacts> {
  const count = (await said(place, ['nproc'])).trim();
  if (!/^\d+$/.test(count)) throw new Unknown(`nproc prints ${JSON.stringify(count)}`);
  const version = await place.ask(['nproc', '--version']);
  const [, major, minor] = /coreutils\) (\d+)\.(\d+)/.exec(version?.out ?? '') ?? [];
  const quota = tightestQuota(place);
  return {
    nproc: Number(count),
    ...(major === undefined ? {} : { version: Number(major) * 1000 + Number(minor) }),
    ...(quota === undefined ? {} : { quota }),
  };
}

/** From this one on nproc knows of cgroup v2 quotas (NEWS of coreutils). */
const KNOWS_QUOTAS = 9008;

export function judgeCpus({ nproc, version, quota }: CpuFacts): Judged {
  const evidence = [
    `nproc says ${nproc}`,
    quota === undefined
      ? 'no CPU quota holds here (cpu.max)'
      : `${quota.cgroup} has a quota of ${formatCpuQuota(quota.cpus)}`,
  ];
  if (quota === undefined || nproc <= Math.ceil(quota.cpus)) return { evidence, findings: [] };
  const why =
    version !== undefined && version < KNOWS_QUOTAS
      ? 'nproc knows of quotas only from coreutils 9.8 on'
      : 'it does not look at this quota';
  const finding = found('warning', 'nproc-above-quota', {
    property: 'CPUQuota',
    wanted: String(Math.ceil(quota.cpus)),
    observed: String(nproc),
    cause: `nproc says ${nproc}, and the quota of ${quota.cgroup} gives ${formatCpuQuota(quota.cpus)}: ${why}`,
    remedy: 'make -j$(rlimit tune default --jobs-only) in place of -j$(nproc)',
  });
  return { evidence, findings: [finding] };
}

function tightestQuota(place: Place): CpuFacts['quota'] {
  const own = cgroupOf('self', `${place.root}/proc`);
  if (own === undefined) return undefined;
  const quotas = [own, ...ancestorsOf(own)].flatMap((cgroup) => {
    const text = readCgroupFile(cgroup, 'cpu.max', `${place.root}/sys/fs/cgroup`);
    if (text === undefined) return [];
    const { quota, period } = parseCpuMax(text);
    return quota === 'infinity' ? [] : [{ cpus: quota / period, cgroup }];
  });
  return quotas.sort((a, b) => a.cpus - b.cpus)[0];
}
