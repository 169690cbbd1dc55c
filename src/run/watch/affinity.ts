/** CPUs for a run that has no cgroup: a share of them as whole CPUs. Pure. */
import { tolerant } from '../../inspect/meaning.js';
import { parseCpuList, parseCpuQuota } from '../../quantity/index.js';

const ONE_CPU_USEC = 1_000_000;

export interface AffinityFacts {
  /** CPUs this process may use. */
  allowed: readonly number[];
  /** CPUs of each core, by CPU; one that is missing is a core of its own. */
  siblings: ReadonlyMap<number, readonly number[]>;
  /** Distinguishes this run from others, so that not all take the same CPUs. */
  seed: number;
}

/**
 * What CPUQuota= and AllowedCPUs= come to as CPUs.
 * @param properties systemd property name → value
 * @returns the CPUs to run on; absent where all that are allowed anyway are meant
 */
export function affinityFor(
  properties: Readonly<Record<string, string>>,
  { allowed, siblings, seed }: AffinityFacts,
): number[] | undefined {
  const list = properties.AllowedCPUs;
  const named = list ? (tolerant(() => parseCpuList(list)) ?? []) : allowed;
  const meant = named.filter((cpu) => allowed.includes(cpu));
  const usable = meant.length > 0 ? meant : allowed;
  const quota = tolerant(() => parseCpuQuota(properties.CPUQuota || 'infinity')) ?? 'infinity';
  const count = quota === 'infinity' ? usable.length : Math.ceil(quota / ONE_CPU_USEC);
  const cpus = count >= usable.length ? [...usable] : pick(usable, count, { siblings, seed });
  return cpus.length === allowed.length ? undefined : cpus;
}

/** One CPU of each core first: a share of cores is meant, and not of their threads. */
function pick(
  usable: readonly number[],
  count: number,
  { siblings, seed }: Pick<AffinityFacts, 'siblings' | 'seed'>,
): number[] {
  const start = seed % usable.length;
  const turned = [...usable.slice(start), ...usable.slice(0, start)];
  const rank = (cpu: number) => {
    const mates = siblings.get(cpu) ?? [cpu];
    return turned.filter((other) => mates.includes(other)).indexOf(cpu);
  };
  const ranks = new Map(turned.map((cpu) => [cpu, rank(cpu)]));
  const order = turned.sort((a, b) => (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0));
  return order.slice(0, count).sort((a, b) => a - b);
}
