/** The GPUs while the guard runs: their memory, their performance settings, their driver. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cgroupOf, readStart } from '../../cgroup/index.js';
import {
  type AskProgram,
  askProgram,
  checkDriver,
  decideGpus,
  type GpuAction,
  type GpuHelpless,
  type GpuPoller,
  type GpuReading,
  type GpuTracks,
  isOnGpu,
  planPerformance,
  pollGpus,
  readModes,
  restorePerformance,
  setPerformance,
} from '../../gpu/index.js';
import type { GpuProcess } from '../../model/machine-sample.js';
import { roughBytes } from '../../quantity/index.js';
import { printable } from '../../text/index.js';
import { endProcess } from '../act/signals.js';
import type { Note } from '../collect/index.js';
import type { Named } from '../decide/types.js';
import type { GuardSettings } from '../settings/settings.js';

export type Tell = (note: Note) => void;

export interface GpuKeeperOptions {
  settings: GuardSettings;
  /** Only root changes settings of the driver. */
  uid: number;
  /** Where the way back of changed settings is kept, through a guard that is killed. */
  directory: string;
  tell: Tell;
  ask?: AskProgram;
  poller?: GpuPoller;
  proc?: string;
  kill?: (pid: number, signal: NodeJS.Signals | 0) => void;
}

/** Ends what fills a GPU, and has the driver set as wished until it stops. */
export class GpuKeeper {
  readonly #options: Required<Omit<GpuKeeperOptions, 'poller'>>;
  readonly #poller: GpuPoller;
  readonly #way: string;
  #seen: GpuReading | undefined;
  #tracks: GpuTracks = {};
  /** One thing after the other, and nobody waits for it. */
  #busy: Promise<void> = Promise.resolve();

  constructor({ poller, ...options }: GpuKeeperOptions) {
    const kill = (pid: number, signal: NodeJS.Signals | 0) => void process.kill(pid, signal);
    this.#options = { ask: askProgram, proc: '/proc', kill, ...options };
    this.#poller = poller ?? pollGpus({ ask: this.#options.ask });
    this.#way = `${options.directory}/gpu-settings.json`;
    this.#busy = this.#begin();
  }

  /** Acts on a reading that is new. @param mayEnd the process, where it may be ended */
  step(atMs: number, mayEnd: (pid: number) => Named | undefined): void {
    const reading = this.#poller.latest();
    if (reading === undefined || reading === this.#seen) return;
    this.#tellSilence(reading);
    this.#seen = reading;
    const { enabled, memory_threshold_percent } = this.#options.settings.gpu_protection;
    if (reading.kind !== 'read' || !enabled) return;
    const rules = {
      threshold: memory_threshold_percent / 100,
      isProtected: ({ pid }: GpuProcess) => mayEnd(pid) === undefined,
    };
    const { tracks, actions, helpless } = decideGpus(reading.gpus, this.#tracks, rules, atMs);
    this.#tracks = tracks;
    for (const each of helpless) this.#options.tell(helplessEntry(each));
    for (const action of actions) {
      const process = mayEnd(action.pid);
      if (process !== undefined) this.#busy = this.#busy.then(() => this.#end(action, process));
    }
  }

  /** What is on the GPUs, for samples. */
  latest(): GpuReading | undefined {
    return this.#poller.latest();
  }

  /** Puts the settings of the driver back. */
  async stop(): Promise<void> {
    this.#poller.stop();
    await this.#busy;
    await this.#putBack();
  }

  async #begin(): Promise<void> {
    const { settings, uid, ask, tell } = this.#options;
    const { enabled, set_performance_mode, check_driver_updates } = settings.nvidia_monitor;
    // A guard that was killed has left its way back: what was there before it counts.
    await this.#putBack();
    const reading = await readDriver(ask);
    if (!enabled || reading === undefined) return;
    if (set_performance_mode && uid === 0) await this.#setPerformance();
    if (!check_driver_updates) return;
    const { verdict, says } = await checkDriver(reading.driver, { ask });
    const level = verdict === 'current' || verdict === 'none' ? 'info' : 'notice';
    tell({ level, about: 'gpu-driver', message: says, fields: { verdict } });
  }

  async #setPerformance(): Promise<void> {
    const { ask, tell } = this.#options;
    const plan = planPerformance(await readModes({ ask }));
    const result = await setPerformance(plan, (undo) => this.#keep(undo), ask);
    for (const message of [...result.done, ...result.notes]) {
      tell({ level: 'info', about: 'gpu-performance', message });
    }
    for (const message of result.failed) {
      tell({ level: 'warning', about: 'gpu-performance', message });
    }
  }

  #keep(undo: readonly (readonly string[])[]): void {
    writeFileSync(this.#way, JSON.stringify(undo), { mode: 0o600 });
  }

  async #putBack(): Promise<void> {
    const { ask, tell } = this.#options;
    const undo = wayBack(this.#way);
    if (undo.length > 0) {
      for (const message of await restorePerformance(undo, ask)) {
        tell({ level: 'warning', about: 'gpu-performance', message: `not put back: ${message}` });
      }
    }
    rmSync(this.#way, { force: true });
  }

  async #end(action: GpuAction, process: Named): Promise<void> {
    const { ask, proc, kill, tell } = this.#options;
    const entry = actionEntry(action);
    const confirmed = await isOnGpu(process.pid, { ask, proc });
    if (confirmed !== true || readStart(process.pid, proc)?.startTicks !== process.startTicks) {
      const why = 'the kernel does not see it on a GPU, so it is left alone';
      tell({ ...entry, level: 'warning', message: `${entry.message}: ${why}` });
      return;
    }
    const cgroup = cgroupOf(process.pid, proc);
    const outcome = endProcess(process, action.signal, { proc, kill });
    const failed = typeof outcome === 'object' ? outcome.failed : undefined;
    const result = failed === undefined ? String(outcome) : 'failed';
    const message = failed === undefined ? entry.message : `${entry.message}: ${failed}`;
    const { startTicks } = process;
    tell({ ...entry, message, fields: { ...entry.fields, startTicks, cgroup, result } });
  }

  #tellSilence(reading: GpuReading): void {
    if (reading.kind !== 'silent') return;
    const before = this.#seen?.kind === 'silent' ? this.#seen.reason : undefined;
    if (before === reading.reason) return;
    const message = `nvidia-smi does not tell of the GPUs: ${reading.reason}`;
    this.#options.tell({ level: 'warning', about: 'gpu-silent', message });
  }
}

/** The version that the tools tell, where there is an NVIDIA GPU at all. */
async function readDriver(ask: AskProgram): Promise<{ driver?: string } | undefined> {
  const line = ['nvidia-smi', '--query-gpu=driver_version', '--format=csv,noheader'];
  const answer = await ask(line);
  if (answer.kind !== 'answered' || answer.status !== 0) return undefined;
  const driver = /^\d+(\.\d+)+$/m.exec(answer.out)?.[0];
  return driver === undefined ? {} : { driver };
}

function wayBack(path: string): string[][] {
  try {
    const lines: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const all = Array.isArray(lines) ? lines : [];
    return all.filter(
      (line): line is string[] =>
        Array.isArray(line) && ['nvidia-smi', 'nvidia-settings'].includes(line[0]),
    );
  } catch {
    // None was kept, or it was cut short before anything was changed.
    return [];
  }
}

function actionEntry({ pid, name, signal, gpu, memory, used, total }: GpuAction) {
  const message =
    `${signal} to ${printable(name)} (PID ${pid}): it holds ${roughBytes(memory)} of GPU ` +
    `${gpu.index}, of which ${roughBytes(used)} of ${roughBytes(total)} are used`;
  const fields = { pid, name, signal, gpu: gpu.uuid, memory, used, total };
  return { level: 'critical' as const, about: 'gpu-end', message, fields };
}

const HELPLESS: Record<GpuHelpless['why'], string> = {
  'no-process': 'no process is known on it',
  'no-figures': 'the driver does not tell whose memory it is',
  'all-protected': 'all on it are protected',
  'does-not-end': 'what holds it does not end',
};

function helplessEntry({ gpu, used, total, why }: GpuHelpless): Note {
  const message = `GPU ${gpu.index} has ${roughBytes(used)} of ${roughBytes(total)} in use, and ${HELPLESS[why]}`;
  return { level: 'critical', about: 'gpu-full', message, fields: { gpu: gpu.uuid, used, total } };
}
