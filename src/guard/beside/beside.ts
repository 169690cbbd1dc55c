/** What the guard does beside keeping memory free: allocation rates, GPUs, data for analysis. */
import type { MachineSample, ProcessSample } from '../../model/index.js';
import { roughBytes } from '../../quantity/index.js';
import { printable } from '../../text/index.js';
import {
  type AllocationEvent,
  type AllocationWatch,
  watchAllocations,
} from '../allocation/index.js';
import { type DataAction, DataCollection } from '../collect/index.js';
import type { GuardState } from '../decide/types.js';
import { isOpen } from '../decide/victims.js';
import { isManaged, nameOf, type View, viewOf } from '../decide/view.js';
import type { GuardSettings } from '../settings/settings.js';
import { GpuKeeper, type Tell } from './gpus.js';

const MB = 1_000_000;

export interface BesideOptions {
  settings: GuardSettings;
  uid: number;
  /** The guard's own directory. */
  directory: string;
  tell: Tell;
}

/** Its parts are there while the settings want them. */
export class Beside {
  readonly #options: BesideOptions;
  #settings: GuardSettings;
  #allocations: AllocationWatch | undefined;
  #source = '';
  #gpus: GpuKeeper | undefined;
  #data: DataCollection | undefined;

  constructor(options: BesideOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#begin();
  }

  /** To be called with each sample, after the guard has decided on it. */
  step(sample: MachineSample, state: GuardState, actions: readonly DataAction[] = []): void {
    const events = this.#allocations?.take(sample) ?? [];
    this.#tellSource();
    for (const event of events) this.#tellAllocation(event);
    this.#data?.add(sample, events, actions);
    if (this.#gpus === undefined) return;
    let view: View | undefined;
    this.#gpus.step(sample.atMs, (pid) => {
      // Where there is no GPU nobody asks.
      view ??= viewOf(state, sample, this.#settings);
      const process = view.byPid.get(pid);
      return process !== undefined && isOpen(process, view) ? nameOf(process) : undefined;
    });
  }

  /** Goes by other settings; files of logs are opened anew in any case. */
  async change(settings: GuardSettings): Promise<void> {
    this.#data?.reopen();
    if (JSON.stringify(partsOf(settings)) === JSON.stringify(partsOf(this.#settings))) {
      this.#settings = settings;
      return;
    }
    await this.stop();
    this.#settings = settings;
    this.#begin();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#allocations?.stop(), this.#gpus?.stop()]);
    this.#data?.close();
    this.#allocations = undefined;
    this.#gpus = undefined;
    this.#data = undefined;
  }

  #begin(): void {
    const settings = this.#settings;
    const { ebpf_monitor, gpu_protection, nvidia_monitor, machine_learning } = settings;
    const { uid, directory, tell } = this.#options;
    if (ebpf_monitor.enabled) {
      const thresholdBytes = Math.round(ebpf_monitor.allocation_threshold_mb_per_sec * MB);
      const named = settings.managed_processes;
      this.#source = '';
      this.#allocations = watchAllocations({
        thresholdBytes,
        names: named.length === 0 ? 'all' : named,
        uid,
      });
    }
    if (gpu_protection.enabled || nvidia_monitor.enabled) {
      this.#gpus = new GpuKeeper({ settings, uid, directory, tell });
    }
    if (machine_learning.data_collection) {
      const onTrouble = (message: string) =>
        tell({ level: 'warning', about: 'data-collection', message });
      const isWatched = (process: ProcessSample) => isManaged(process, settings);
      this.#data = new DataCollection({ path: machine_learning.log_path, onTrouble }, isWatched);
    }
  }

  /** How allocations are watched is said once, and again when it changes. */
  #tellSource(): void {
    const source = this.#allocations?.source();
    if (source === undefined) return;
    const why = source.kind === 'ebpf' ? '' : source.reason;
    if (this.#source === `${source.kind} ${why}`) return;
    this.#source = `${source.kind} ${why}`;
    const message =
      source.kind === 'ebpf'
        ? 'allocation rates are told by the kernel (eBPF, bpftrace)'
        : `allocation rates are told by samples: ${why}`;
    this.#options.tell({ level: 'info', about: 'allocation-source', message });
  }

  #tellAllocation({ pid, startTicks, comm = '?', bytes, overMs, source }: AllocationEvent): void {
    const message = `${printable(comm)} (PID ${pid}) took ${roughBytes(bytes)} of memory within ${overMs} ms`;
    const fields = { pid, startTicks, name: comm, bytes, overMs, source };
    this.#options.tell({ level: 'critical', about: 'allocation', message, fields });
  }
}

/** What of the settings its parts go by. */
function partsOf(settings: GuardSettings): unknown {
  const { ebpf_monitor, gpu_protection, nvidia_monitor, machine_learning } = settings;
  return [
    ...[ebpf_monitor, gpu_protection, nvidia_monitor, machine_learning],
    settings.managed_processes,
  ];
}
