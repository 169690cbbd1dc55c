/** What the service must be allowed to do, from the guard's settings and what the machine has. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { onPath } from '../../gpu/program.js';
import type { ManagerKind } from '../../systemd/client.js';
import { ownProgram, type ProgramFacts } from './program.js';
import type { ServiceNeeds } from './unit.js';

/** The part of the settings that decides. */
export interface ServiceSettings {
  gpu_protection: { enabled: boolean };
  nvidia_monitor: { enabled: boolean; set_performance_mode: boolean };
  ebpf_monitor: { enabled: boolean };
  machine_learning: { data_collection: boolean; log_path: string };
}

export interface NeedsOptions {
  manager: ManagerKind;
  /** Arguments behind `rlimit guard run`. */
  args: readonly string[];
  /** Further directories that are written into. */
  writable?: readonly string[];
  env?: NodeJS.ProcessEnv;
  root?: string;
  facts?: ProgramFacts;
}

/**
 * What of the settings can be had on this machine: nothing is allowed for a GPU that is not there.
 * @throws {UnavailableError} where it is not known where rlimit is
 */
export function serviceNeeds(settings: ServiceSettings, options: NeedsOptions): ServiceNeeds {
  const { manager, args, writable = [], env = process.env, root = '', facts } = options;
  const { program, path } = ownProgram(facts);
  const { gpu_protection, nvidia_monitor, ebpf_monitor, machine_learning } = settings;
  const hasGpu = existsSync(`${root}/proc/driver/nvidia/version`) && manager === 'system';
  const gpu = hasGpu && (gpu_protection.enabled || nvidia_monitor.enabled);
  const logs = machine_learning.data_collection ? [dirname(machine_learning.log_path)] : [];
  return {
    manager,
    argv: [program, 'guard', 'run', ...args],
    path,
    writable: [...new Set([...logs, ...writable])],
    ebpf: manager === 'system' && ebpf_monitor.enabled && onPath('bpftrace', env) !== undefined,
    gpu,
    gpuSettings: gpu && nvidia_monitor.enabled && nvidia_monitor.set_performance_mode,
  };
}
