import { existsSync } from 'node:fs';
import { hostname, release } from 'node:os';
import { CGROUP_ROOT } from '../cgroup/index.js';
import { UnavailableError } from '../errors/index.js';
import { readMachine, readMemory } from '../machine/index.js';
import { type ManagerKind, userManagerFailure } from '../systemd/client.js';
import { diagnoseUserManager, readUserManagerFacts } from '../systemd/diagnose.js';
import { isWithoutSystemd } from '../systemd/find.js';
import { systemdVersion } from '../systemd/version.js';
import { notCarriedOut, refused } from './conclude.js';
import { earlyoom, systemdOomd } from './experiments/daemons.js';
import type { Experiment } from './experiments/experiment.js';
import { bystander, memoryHigh, oomPolicy } from './experiments/living.js';
import { allowedCpusBind, cpuQuota, ioWeight, tasksMax } from './experiments/machine.js';
import { memoryMax, memorySwapMax } from './experiments/memory.js';
import { clearStale, Lab } from './lab.js';
import { shortOfMemory } from './margin.js';
import { ExperimentError } from './scope.js';
import type { ExperimentName, Host, Judgement, Proof, ProofReport } from './types.js';

const ALL: readonly Experiment[] = [
  memoryMax,
  memorySwapMax,
  bystander,
  oomPolicy,
  memoryHigh,
  cpuQuota,
  tasksMax,
  allowedCpusBind,
  ioWeight,
  systemdOomd,
  earlyoom,
];

export interface ProveOptions {
  /** Only these; asked for by name, they may take longer. */
  only?: readonly ExperimentName[];
  /** Ends it: whatever runs is ended and removed, and its reason is thrown. */
  signal: AbortSignal;
  /** Told before each experiment begins. */
  onStart?(experiment: { name: ExperimentName; title: string }): void;
}

/**
 * Shows on this machine, by small experiments, each in a scope of its own, that the kernel enforces
 * limits. Root uses the system's manager, everybody else their own.
 * @throws {UnavailableError} when there is no service manager, or no cgroup v2 tree, to try it with
 */
export async function prove({ only, signal, onStart }: ProveOptions): Promise<ProofReport> {
  const manager = usableManager();
  await clearStale(manager);
  const systemd = systemdVersion();
  const report: ProofReport = {
    date: new Date().toISOString(),
    host: readHost(systemd),
    manager,
    proofs: [],
    left: [],
  };
  const chosen = ALL.filter(({ name }) => only === undefined || only.includes(name));
  for (const experiment of chosen) {
    const { name, title, expected } = experiment;
    onStart?.({ name, title });
    const lab = new Lab({ manager, systemd, signal });
    let judgement: Judgement;
    try {
      judgement = await attempt(experiment, lab, only !== undefined);
    } finally {
      report.left.push(...(await lab.clear()));
    }
    report.proofs.push({ name, title, expected, ...judgement });
  }
  return report;
}

async function attempt(experiment: Experiment, lab: Lab, patient: boolean): Promise<Judgement> {
  const { memory, available } = readMemory();
  const short = shortOfMemory({ memory, ...(available === undefined ? {} : { available }) });
  if (short !== undefined) return refused(short, `${short.observed} of memory available`);
  try {
    return await experiment.run(lab, { patient });
  } catch (error) {
    if (error instanceof ExperimentError) return notCarriedOut(error.message);
    throw error;
  }
}

/** @throws {UnavailableError} */
function usableManager(): ManagerKind {
  if (!existsSync(`${CGROUP_ROOT}/cgroup.controllers`) && !isWithoutSystemd()) {
    throw new UnavailableError('there is no cgroup v2 tree', {
      why: `${CGROUP_ROOT}/cgroup.controllers does not exist: systemd runs with cgroup v1 here.`,
      remedy: 'boot with systemd.unified_cgroup_hierarchy=1 on the kernel’s command line',
    });
  }
  if (process.getuid?.() === 0 && !isWithoutSystemd()) return 'system';
  if (diagnoseUserManager(readUserManagerFacts()) !== undefined) throw userManagerFailure();
  return 'user';
}

function readHost(systemd: number | undefined): Host {
  const { cpus } = readMachine();
  const { memory, swap, available } = readMemory();
  return {
    name: hostname(),
    kernel: release(),
    memory,
    swap,
    cpus,
    ...(available === undefined ? {} : { available }),
    ...(systemd === undefined ? {} : { systemd }),
  };
}

/** Whether nothing that was tried failed, and all was tried. */
export function outcomeOf(proofs: readonly Proof[]): 'held' | 'failed' | 'refused' {
  const has = (...verdicts: Proof['verdict'][]) =>
    proofs.some((one) => verdicts.includes(one.verdict));
  if (has('failed', 'inert')) return 'failed';
  return has('refused') ? 'refused' : 'held';
}
