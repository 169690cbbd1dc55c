/** A run without systemd and without a cgroup: rlimit itself watches over it. */
import { readFileSync, statSync } from 'node:fs';
import { getPriority } from 'node:os';
import {
  nicenessFor,
  type WatchedView,
  watchedFindings,
  watchedLimits,
} from '../../inspect/watched.js';
import type { Machine } from '../../model/index.js';
import { formatCpuList, parseCpuList } from '../../quantity/index.js';
import type { ScopeRequest } from '../../systemd/compile.js';
import type { Believed, Launcher, Meter } from '../launcher.js';
import { affinityFor } from '../watch/affinity.js';
import { Watcher } from '../watch/watcher.js';
import { withEnvironment } from './environment.js';
import { setNiceness } from './niceness.js';

export type WatchedRequest = Pick<ScopeRequest, 'unit' | 'properties' | 'environment' | 'nice'>;

export interface WatchedLauncherOptions {
  machine: Machine;
  /** Where taskset(1) is; absent where it is not installed. */
  taskset?: string;
  /** The CPUs it is to have, where not all. */
  cpus?: readonly number[];
}

/**
 * MemoryMax and TasksMax are watched, CPUQuota and AllowedCPUs become CPU affinity, a low CPUWeight
 * niceness. All else is not in force, and that is said. Nothing of it outlives rlimit but affinity
 * and niceness.
 */
export class WatchedLauncher implements Launcher {
  readonly kind = 'watched';
  readonly #request: WatchedRequest;
  readonly #options: WatchedLauncherOptions;
  #watcher: Watcher | undefined;

  constructor(request: WatchedRequest, options: WatchedLauncherOptions) {
    this.#request = request;
    this.#options = options;
  }

  /** taskset(1) execs what it is given: the process stays the same, and children inherit its CPUs. */
  argvFor(wrapped: readonly string[]): string[] {
    const { taskset, cpus } = this.#options;
    const held =
      taskset === undefined || cpus === undefined
        ? wrapped
        : [taskset, '-c', formatCpuList(cpus), ...wrapped];
    return withEnvironment(this.#request.environment, held);
  }

  hold(pid: number): void {
    const { nice, properties } = this.#request;
    const wanted = nice ?? nicenessFor(properties.CPUWeight);
    if (wanted === undefined) return;
    // A weight is a hint: where we are nicer already, so be it.
    if (nice === undefined && getPriority(pid) >= wanted) return;
    setNiceness(pid, wanted);
  }

  believe(pid: number | 'self'): Believed {
    const { machine } = this.#options;
    const nice = nicenessOf(pid);
    const cpus = cpusOf(pid);
    const view: WatchedView = {
      machine,
      watching: true,
      ...(cpus.length === 0 ? {} : { cpus }),
      ...(nice === undefined ? {} : { nice }),
    };
    const { unit, properties } = this.#request;
    return watchedFindings(properties, view, { unit, swap: machine.swap });
  }

  meter(pid: number): Meter {
    this.#watcher = new Watcher({
      unit: this.#request.unit,
      pid,
      limits: watchedLimits(this.#request.properties, this.#options.machine),
    }).start();
    return this.#watcher;
  }

  killAll(): void {
    this.#watcher?.killAll();
  }

  isPopulated(): boolean {
    return this.#watcher?.isPopulated() ?? false;
  }

  clear(): void {
    this.#watcher?.close();
  }
}

function cpusOf(pid: number | 'self', proc = '/proc'): number[] {
  try {
    const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(
      readFileSync(`${proc}/${pid}/status`, 'latin1'),
    )?.[1];
    return list === undefined ? [] : parseCpuList(list);
  } catch {
    return [];
  }
}

function nicenessOf(pid: number | 'self'): number | undefined {
  try {
    return getPriority(pid === 'self' ? process.pid : pid);
  } catch {
    return undefined;
  }
}

/** Makes the launcher with what this computer has. */
export function watchedLauncher(
  request: WatchedRequest,
  { machine, env }: { machine: Machine; env: NodeJS.ProcessEnv },
): WatchedLauncher {
  const taskset = findTaskset(env.PATH);
  const allowed = cpusOf('self');
  const siblings = new Map(allowed.map((cpu) => [cpu, siblingsOf(cpu)]));
  const cpus = affinityFor(request.properties, { allowed, siblings, seed: process.pid });
  return new WatchedLauncher(request, {
    machine,
    ...(cpus === undefined ? {} : { cpus }),
    ...(taskset === undefined ? {} : { taskset }),
  });
}

function findTaskset(path = '/usr/local/bin:/usr/bin:/bin'): string | undefined {
  const candidates = [...path.split(':'), '/usr/bin', '/bin'].filter((each) =>
    each.startsWith('/'),
  );
  return candidates
    .map((directory) => `${directory}/taskset`)
    .find((file) => statSync(file, { throwIfNoEntry: false })?.isFile());
}

function siblingsOf(cpu: number): number[] {
  try {
    const file = `/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`;
    return parseCpuList(readFileSync(file, 'latin1').trim());
  } catch {
    return [cpu];
  }
}
