/** What of a profile is in force in a step, from what the step itself has read there. Pure. */
import type { Finding } from '../model/index.js';
import { parseCpuList, roughBytes } from '../quantity/index.js';
import { type Begun, memoryGiven } from './prologue.js';

/** What was asked of Slurm; a figure is absent where the profile says nothing of it. */
export interface Asked {
  /** systemd property name → value, of those that Slurm has an option for. */
  properties: Readonly<Record<string, string>>;
  /** In bytes. */
  memory?: number;
  /** Whole CPUs. */
  cpus?: number;
}

/**
 * Compares. A limit that is tighter than asked holds as well; the time is up to slurmctld, and nothing on
 * the node tells of it.
 * @param begun undefined where the step did not report
 */
export function believeStep(asked: Asked, begun: Begun | undefined): Finding[] {
  if (begun === undefined) return [unreported()];
  const memory = memoryFinding(asked, begun);
  const cpus = cpuFinding(asked, begun);
  return [...(memory === undefined ? [] : [memory]), ...(cpus === undefined ? [] : [cpus])];
}

function memoryFinding({ properties, memory: wanted }: Asked, begun: Begun): Finding | undefined {
  if (wanted === undefined) return undefined;
  const { memory } = begun;
  if (memory !== undefined && memory <= memoryGiven(wanted)) return undefined;
  const at = memory === undefined ? 'no limit at all' : `no less than ${roughBytes(memory)}`;
  return {
    id: 'slurm-memory-unconstrained',
    severity: 'problem',
    property: 'MemoryMax',
    ...(properties.MemoryMax === undefined ? {} : { wanted: properties.MemoryMax }),
    observed: memory === undefined ? 'infinity' : String(memory),
    cause:
      `the cgroup of the step has ${at}: Slurm keeps the memory free for the job, but this cluster ` +
      'does not hold it to that (ConstrainRAMSpace)',
    remedy: 'ask the operators for ConstrainRAMSpace=yes in cgroup.conf',
  };
}

function cpuFinding({ properties, cpus }: Asked, begun: Begun): Finding | undefined {
  if (cpus === undefined) return undefined;
  const most = Math.max(cpus, begun.given ?? 0);
  const inSet = countOf(begun.cpuset);
  if (inSet !== undefined && inSet <= most) return undefined;
  const allowed = countOf(begun.allowed);
  const isByAffinity = allowed !== undefined && allowed <= most;
  const common = {
    severity: isByAffinity ? ('warning' as const) : ('problem' as const),
    property: 'CPUQuota',
    ...(properties.CPUQuota === undefined ? {} : { wanted: properties.CPUQuota }),
    observed: begun.allowed ?? 'unknown',
    remedy: 'ask the operators for ConstrainCores=yes in cgroup.conf',
  };
  if (!isByAffinity) {
    const seen = allowed === undefined ? 'nobody can tell on how many' : `on ${allowed}`;
    return {
      ...common,
      id: 'slurm-cpus-unconstrained',
      cause: `the step may run ${seen} CPUs, not on ${most}: this cluster binds no job to its CPUs (ConstrainCores)`,
    };
  }
  return {
    ...common,
    id: 'held-by-affinity',
    cause: `held by CPU affinity to CPU ${begun.allowed}, which a program may change for itself (ConstrainCores is off)`,
  };
}

function unreported(): Finding {
  return {
    id: 'slurm-unreported',
    severity: 'problem',
    cause: 'the step did not report, so nothing is known of what holds the command',
  };
}

function countOf(list: string | undefined): number | undefined {
  try {
    return list === undefined ? undefined : parseCpuList(list).length;
  } catch {
    return undefined;
  }
}
