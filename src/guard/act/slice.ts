/**
 * The protected slice and the processes in it. They are moved by the service manager, which makes a
 * scope of them below the slice; further ones join that scope.
 */
import { constants, existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { cgroupOf, isAlive, isPopulated, readLimitFiles, slicePath } from '../../cgroup/index.js';
import { ancestorReader, controllersFor } from '../../inspect/surroundings.js';
import { filesToVerify, verifyKernel } from '../../inspect/verify.js';
import type { Finding } from '../../model/index.js';
import { attachArgv, startScopeArgv } from '../../systemd/bus.js';
import type { ManagerKind } from '../../systemd/client.js';
import type { Named } from '../decide/types.js';
import type { CgroupSettings } from '../settings/settings.js';
import { type Outcome, outcomeOf } from './outcome.js';
import { type RunProgram, saidBy } from './program.js';

export interface SliceOptions {
  manager: ManagerKind;
  uid: number;
  run: RunProgram;
  root: string;
  proc: string;
}

/** How long the manager may take until processes are where it was told to put them. */
const ARRIVAL_MS = 5000;
const POLL_MS = 10;

export class ProtectedSlice {
  readonly #options: SliceOptions;
  #settings: CgroupSettings | undefined;

  constructor(options: SliceOptions) {
    this.#options = options;
  }

  /**
   * Gives the slice its protection, until the next boot at most.
   * @returns what the manager has against it
   */
  async set(settings: CgroupSettings): Promise<Outcome> {
    if (this.#settings !== undefined && this.#settings.name !== settings.name) await this.remove();
    this.#settings = settings;
    const { memory_low, cpu_weight, io_weight, name } = settings;
    const values = [`MemoryLow=${memory_low}`, `CPUWeight=${cpu_weight}`, `IOWeight=${io_weight}`];
    return this.#systemctl([
      'set-property',
      '--runtime',
      '--no-ask-password',
      '--',
      name,
      ...values,
    ]);
  }

  /**
   * Moves processes into the slice. One that is no longer where it was counts as gone.
   * @returns what came of each, in their order
   */
  async take(moves: readonly { process: Named; from: string }[]): Promise<Outcome[]> {
    const { proc } = this.#options;
    const alive = moves
      // Where it is by now may be under limits that it must not be taken out of.
      .filter(({ process, from }) => this.#isAlive(process) && cgroupOf(process.pid, proc) === from)
      .map(({ process }) => process);
    if (alive.length === 0 || this.#settings === undefined) return moves.map(() => 'gone');
    const { manager, run } = this.#options;
    const pids = alive.map(({ pid }) => pid);
    const scope = this.#scope();
    const attached = await run(attachArgv(scope.unit, pids, manager));
    const ran = attached.status === 0 ? attached : await run(startScopeArgv(scope, pids, manager));
    const said = { failed: `systemd said: ${saidBy(ran)}` };
    return Promise.all(
      moves.map(({ process }) => {
        if (!alive.includes(process)) return 'gone';
        return ran.status === 0 ? this.#arrival(process) : said;
      }),
    );
  }

  /** Moves a process to the cgroup that it came from, where that is still there. */
  giveBack(process: Named, to: string): Outcome {
    const { root, proc } = this.#options;
    if (!this.#isAlive(process)) return 'gone';
    // Somebody else has moved it meanwhile.
    const now = cgroupOf(process.pid, proc);
    if (now === undefined || !this.#isInside(now)) return 'gone';
    const file = `${root}${to}/cgroup.procs`;
    if (!existsSync(file)) return { failed: `${to} is no longer there, so it stays in ${now}` };
    try {
      writeFileSync(file, String(process.pid), { flag: constants.O_WRONLY as never });
      return 'done';
    } catch (error) {
      return outcomeOf(error);
    }
  }

  /** What of the protection the kernel does not hold, once a process is in the slice. */
  verify(inside: Named): Finding[] {
    const { root, proc, manager, uid } = this.#options;
    const cgroup = this.#sliceOf(cgroupOf(inside.pid, proc));
    if (cgroup === undefined || this.#settings === undefined) return [];
    const { memory_low, cpu_weight, io_weight, name } = this.#settings;
    const properties = {
      MemoryLow: String(memory_low),
      CPUWeight: String(cpu_weight),
      IOWeight: String(io_weight),
    };
    const controllers = controllersFor(cgroup, root);
    return verifyKernel(properties, readLimitFiles(cgroup, filesToVerify(properties), root), {
      unit: name,
      kind: 'slice',
      uid,
      system: manager === 'system',
      ...(controllers === undefined ? {} : { controllers }),
      ancestors: ancestorReader(root)(cgroup),
    });
  }

  /**
   * Takes the protection away; what still runs in the slice goes on there without it.
   * @param name the slice of an earlier guard, where it is not the one that was set
   */
  async remove(name = this.#settings?.name): Promise<Outcome> {
    if (name === undefined) return 'done';
    if (name === this.#settings?.name) this.#settings = undefined;
    // Seen on 257: without its files an active slice keeps the values, so they are written first.
    const values = ['MemoryLow=0', 'CPUWeight=100', 'IOWeight=100'];
    await this.#systemctl([
      'set-property',
      '--runtime',
      '--no-ask-password',
      '--',
      name,
      ...values,
    ]);
    const reverted = await this.#systemctl(['revert', '--no-ask-password', '--', name]);
    const { manager, root } = this.#options;
    // To stop a slice is to end what is in it.
    if (manager === 'system' && !isPopulated(slicePath(name), root)) {
      await this.#systemctl(['stop', '--no-ask-password', '--', name]);
    }
    return reverted;
  }

  /** Whether a cgroup is below the slice. */
  #isInside(cgroup: string): boolean {
    return this.#sliceOf(cgroup) !== undefined;
  }

  #sliceOf(cgroup: string | undefined): string | undefined {
    const name = this.#settings?.name;
    const parts = cgroup?.split('/') ?? [];
    const at = name === undefined ? -1 : parts.indexOf(name);
    return at < 0 ? undefined : parts.slice(0, at + 1).join('/');
  }

  #scope() {
    const { name = '', memory_low = 0 } = this.#settings ?? {};
    return {
      unit: `${name.slice(0, -'.slice'.length)}-processes.scope`,
      slice: name,
      description: 'Processes that rlimit guard keeps alive',
      // Without memory_recursiveprot the slice's own protection would not reach the scope.
      properties: [{ name: 'MemoryLow', signature: 't', words: [String(memory_low)] }],
    };
  }

  async #arrival(process: Named): Promise<Outcome> {
    const { proc } = this.#options;
    for (let waitedMs = 0; waitedMs < ARRIVAL_MS; waitedMs += POLL_MS) {
      if (!this.#isAlive(process)) return 'gone';
      const cgroup = cgroupOf(process.pid, proc);
      if (cgroup !== undefined && this.#isInside(cgroup)) return 'done';
      await sleep(POLL_MS);
    }
    return { failed: 'systemd took it, but the process is not in the slice' };
  }

  async #systemctl(args: readonly string[]): Promise<Outcome> {
    const { manager, run } = this.#options;
    const ran = await run(['systemctl', `--${manager}`, ...args]);
    return ran.status === 0 ? 'done' : { failed: saidBy(ran) };
  }

  #isAlive(process: Named): boolean {
    return isAlive(process, this.#options.proc);
  }
}
