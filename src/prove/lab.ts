import { isPopulated, killAtOnce, readCgroupFile, slicePath } from '../cgroup/index.js';
import { ioWeightsCount } from '../inspect/facts.js';
import type { KernelContext } from '../inspect/index.js';
import { ancestorReader, controllersFor } from '../inspect/surroundings.js';
import { readMachine } from '../machine/index.js';
import type { Machine } from '../model/index.js';
import { type ManagerKind, systemctl } from '../systemd/client.js';
import { scopeArgv } from '../systemd/compile.js';
import { newRunId, sliceWithin } from '../systemd/names.js';
import { gated } from './programs.js';
import { TrialScope } from './scope.js';
import { staleSlices } from './stale.js';
import { until } from './until.js';

/** What a scope is made of. */
export interface Trial {
  /** Names the scope; of the experiment, and of the part where there are several. */
  name: string;
  /** The limits that are tried, over those that every scope has. */
  properties: Readonly<Record<string, string>>;
  /** Lines for sh, which begin after `go`. */
  script: string;
  /** `$1` and on of the script. */
  args?: readonly string[];
}

/**
 * What every scope is held to, whatever is tried: it can take little, and does not outlive us by
 * long when we are killed.
 */
const HARD_STOP: Readonly<Record<string, string>> = {
  MemoryMax: '96M',
  MemorySwapMax: '0',
  TasksMax: '40',
  RuntimeMaxSec: '60',
};

/** How long systemd may take to remove a slice. */
const GONE_MS = 10_000;

/** Where experiments are made: a slice of their own, apart from the runs and from their budget. */
export class Lab {
  readonly manager: ManagerKind;
  readonly machine: Machine;
  readonly systemd: number | undefined;
  readonly signal: AbortSignal;
  readonly #id = newRunId();
  readonly #slice: string;
  /** Path of the slice's cgroup. */
  #top: string | undefined;
  #isUsed = false;

  constructor({
    manager,
    systemd,
    signal,
  }: { manager: ManagerKind; systemd: number | undefined; signal: AbortSignal }) {
    this.manager = manager;
    this.systemd = systemd;
    this.signal = signal;
    this.machine = readMachine();
    // No dash before the ID: below app-rlimit.slice the budget's limits would be tried instead.
    this.#slice = `${manager === 'user' ? 'app-' : ''}rlimit_prove_${this.#id}.slice`;
  }

  /**
   * Starts a scope whose program waits for `go`.
   * @throws {ExperimentError} when it does not come into being
   */
  async start({ name, properties, script, args = [] }: Trial): Promise<TrialScope> {
    this.#isUsed = true;
    const asked = { ...HARD_STOP, ...properties };
    const unit = `rlimit-prove-${name}-${this.#id}.scope`;
    const { NODE_OPTIONS: _, ...env } = process.env;
    const argv = scopeArgv(
      {
        manager: this.manager,
        unit,
        slice: sliceWithin(this.#slice, name.replaceAll('-', '_')),
        description: `rlimit doctor --prove: ${name}`,
        properties: asked,
        environment: {},
        collect: true,
        ...(this.systemd === undefined ? {} : { systemd: this.systemd }),
      },
      ['/bin/sh', '-c', gated(script), 'sh', ...args],
    );
    const scope = await TrialScope.start({
      unit,
      argv,
      properties: asked,
      env: { ...env, LC_ALL: 'C' },
      contextFor: (cgroup) => this.#contextFor(cgroup),
      signal: this.signal,
    });
    this.#top ??= scope.top.slice(0, scope.top.lastIndexOf('/'));
    return scope;
  }

  /** Waits, and ends the experiment where rlimit is told to end. */
  until(happened: () => boolean, timeoutMs: number, pollMs?: number): Promise<boolean> {
    const { signal } = this;
    return until(happened, { timeoutMs, signal, ...(pollMs === undefined ? {} : { pollMs }) });
  }

  /** Lets some time pass. */
  async pass(milliseconds: number): Promise<void> {
    await this.until(() => false, milliseconds);
  }

  /**
   * Ends whatever is left of the experiments so far, and removes their units.
   * @returns units that could not be removed
   */
  async clear(): Promise<string[]> {
    if (!this.#isUsed) return [];
    if (this.#top !== undefined && isPopulated(this.#top)) killAtOnce(this.#top);
    // All that is below it is stopped with it; a scope that ended badly goes by itself (--collect).
    const stop = ['stop', '--no-ask-password', '--', this.#slice];
    await systemctl(stop, { manager: this.manager }).catch(() => {});
    const top = this.#top ?? this.#usualTop();
    const isGone = () => readCgroupFile(top, 'cgroup.controllers') === undefined;
    const never = new AbortController().signal;
    const gone = await until(isGone, { timeoutMs: GONE_MS, signal: never });
    return gone ? [] : [this.#slice];
  }

  /** Where the slice is, for a scope that we never saw come into being. */
  #usualTop(): string {
    return `${rootOf(this.manager)}${slicePath(this.#slice)}`;
  }

  #contextFor(cgroup: string): KernelContext {
    const controllers = controllersFor(cgroup);
    const ioWeights = ioWeightsCount();
    const { controllers: _, ...machine } = this.machine;
    return {
      ...machine,
      ...(controllers === undefined ? {} : { controllers }),
      ...(this.systemd === undefined ? {} : { systemd: this.systemd }),
      uid: process.getuid?.() ?? 0,
      ancestors: ancestorReader()(cgroup),
      ...(ioWeights === undefined ? {} : { ioWeights }),
      ...(this.manager === 'system' ? { system: true } : {}),
    };
  }
}

/** The cgroup below which a manager's units lie. */
function rootOf(manager: ManagerKind): string {
  const uid = process.getuid?.() ?? 0;
  return manager === 'user' ? `/user.slice/user-${uid}.slice/user@${uid}.service` : '';
}

/** Removes what is left of experiments whose rlimit was killed. */
export async function clearStale(manager: ManagerKind): Promise<void> {
  const parent = manager === 'user' ? `${rootOf(manager)}/app.slice` : '';
  const slices = staleSlices(parent);
  if (slices.length === 0) return;
  await systemctl(['stop', '--no-ask-password', '--', ...slices], { manager }).catch(() => {});
}
